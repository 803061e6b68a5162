/*
 * hello, with .livepatch.funcs as the compiler leaves it: writable, because the table needs relocations. Releases that
 * keep their state in the table work with it, 4.18.0 included.
 */
#include "livepatch.h"

static const char *writable_extra_version(void)
{
    return "-writable";
}

LIVEPATCH_FUNCS(writable_funcs) = {
    {
        .name = "xen_extra_version",
        .new_addr = writable_extra_version,
        .new_size = NEW_SIZE(writable_extra_version),
        .old_size = OLD_SIZE_xen_extra_version,
        .version = LIVEPATCH_PAYLOAD_VERSION,
    },
};
