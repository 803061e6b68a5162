/*
 * A cumulative payload: it contains everything that hello and stack did, and depends on the hypervisor only. The action
 * REPLACE reverts what is applied, last one first, and applies this, without the host running unpatched in between.
 */
#include "livepatch.h"

static const char *replace_extra_version(void)
{
    return "-replaced";
}

static const char *replace_changeset(void)
{
    return "cumulative";
}

LIVEPATCH_FUNCS(replace_funcs) = {
    {
        .name = "xen_extra_version",
        .new_addr = replace_extra_version,
        .new_size = NEW_SIZE(replace_extra_version),
        .old_size = OLD_SIZE_xen_extra_version,
        .version = LIVEPATCH_PAYLOAD_VERSION,
    },
    {
        .name = "xen_changeset",
        .new_addr = replace_changeset,
        .new_size = NEW_SIZE(replace_changeset),
        .old_size = OLD_SIZE_xen_changeset,
        .version = LIVEPATCH_PAYLOAD_VERSION,
    },
};
