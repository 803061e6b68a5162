/*
 * Goes on top of hello and replaces the same function: what it saves, and what a revert brings back, is the jump to hello.
 */
#include "livepatch.h"

static const char *bye_extra_version(void)
{
    return "-bye";
}

LIVEPATCH_FUNCS(bye_funcs) = {
    { .name = "xen_extra_version", .new_addr = bye_extra_version, .version = 2 },
};
