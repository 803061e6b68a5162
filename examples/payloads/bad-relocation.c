/*
 * Built without -fpic: the compiler assumes that strings have addresses of 32 bits, and asks for R_X86_64_32. Nothing in
 * Xen is that low, and the loader does not know the type.
 */
#include "livepatch.h"

static const char *bad_relocation_extra_version(void)
{
    return "-low";
}

LIVEPATCH_FUNCS(bad_relocation_funcs) = {
    {
        .name = "xen_extra_version",
        .new_addr = bad_relocation_extra_version,
        .new_size = NEW_SIZE(bad_relocation_extra_version),
        .old_size = OLD_SIZE_xen_extra_version,
        .version = LIVEPATCH_PAYLOAD_VERSION,
    },
};
