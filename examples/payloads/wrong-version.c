/* The table's version is that of Xen 4.13 and older. */
#include "livepatch.h"

static const char *wrong_version_extra_version(void)
{
    return "-old";
}

LIVEPATCH_FUNCS(wrong_version_funcs) = {
    {
        .name = "xen_extra_version",
        .new_addr = wrong_version_extra_version,
        .new_size = NEW_SIZE(wrong_version_extra_version),
        .old_size = OLD_SIZE_xen_extra_version,
        .version = 1,
    },
};
