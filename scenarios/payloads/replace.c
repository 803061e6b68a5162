/*
 * Takes the place of everything that is applied. Without an old_addr the hypervisor looks the function up by name.
 */
#include "livepatch.h"

static const char *replace_extra_version(void)
{
    return "-replaced";
}

LIVEPATCH_FUNCS(replace_funcs) = {
    { .name = "xen_extra_version", .new_addr = replace_extra_version, .old_addr = NULL, .version = 2 },
};
