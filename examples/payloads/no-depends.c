/* Nothing says what this goes on top of: there is no .livepatch.depends. */
#include "livepatch.h"

static const char *no_depends_extra_version(void)
{
    return "-anywhere";
}

LIVEPATCH_FUNCS(no_depends_funcs) = {
    {
        .name = "xen_extra_version",
        .new_addr = no_depends_extra_version,
        .new_size = NEW_SIZE(no_depends_extra_version),
        .old_size = OLD_SIZE_xen_extra_version,
        .version = LIVEPATCH_PAYLOAD_VERSION,
    },
};
