/*
 * The smallest useful payload: one function of the hypervisor is replaced by one of ours.
 *
 * xen_extra_version() is what `xl info` shows as xen_extra. The table says which function (by name: old_addr is NULL and
 * Xen looks it up), how long it is, and what to jump to instead. The build makes .livepatch.funcs read-only, as
 * livepatch-build-tools does. Xen 4.18.1 is happy with that; 4.18.0 still writes to it and panics.
 */
#include "livepatch.h"

static const char *hello_extra_version(void)
{
    return "-hello";
}

LIVEPATCH_FUNCS(hello_funcs) = {
    {
        .name = "xen_extra_version",
        .new_addr = hello_extra_version,
        .new_size = NEW_SIZE(hello_extra_version),
        .old_size = OLD_SIZE_xen_extra_version,
        .version = LIVEPATCH_PAYLOAD_VERSION,
    },
};

/* Strings for the administrator, shown when the payload is applied and by `xen-livepatch list`. */
static const char hello_modinfo[] __attribute__((section(".modinfo"), used)) = "purpose=say hello\0author=xsplice";
