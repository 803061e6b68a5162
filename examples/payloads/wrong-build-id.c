/* Good code for another hypervisor: .livepatch.xen_depends holds a build-id that is not this one's. */
#include "livepatch.h"

static const char *wrong_build_id_extra_version(void)
{
    return "-elsewhere";
}

LIVEPATCH_FUNCS(wrong_build_id_funcs) = {
    {
        .name = "xen_extra_version",
        .new_addr = wrong_build_id_extra_version,
        .new_size = NEW_SIZE(wrong_build_id_extra_version),
        .old_size = OLD_SIZE_xen_extra_version,
        .version = LIVEPATCH_PAYLOAD_VERSION,
    },
};
