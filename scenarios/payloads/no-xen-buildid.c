/*
 * Does not say which hypervisor it was made for: there is no .livepatch.xen_depends, and no host takes it since 4.14.
 */
#include "livepatch.h"

static const char *no_id_extra_version(void)
{
    return "-never";
}

LIVEPATCH_FUNCS(no_id_funcs) = {
    { .name = "xen_extra_version", .new_addr = no_id_extra_version, .version = 2 },
};
