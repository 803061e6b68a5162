/*
 * Expects what the hypervisor has at the function's start, and finds it.
 */
#include "livepatch.h"

static const char *expects_extra_version(void)
{
    return "-expected";
}

LIVEPATCH_FUNCS(expects_funcs) = {
    {
        .name = "xen_extra_version",
        .new_addr = expects_extra_version,
        .version = 2,
        .expect = { .enabled = 1, .len = 8 },
    },
};
