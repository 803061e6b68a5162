/* Expects bytes that are not there. Loads, and is refused when it is applied. */
#include "livepatch.h"

static const char *expectation_fails_extra_version(void)
{
    return "-unexpected";
}

LIVEPATCH_FUNCS(expectation_fails_funcs) = {
    {
        .name = "xen_extra_version",
        .new_addr = expectation_fails_extra_version,
        .new_size = NEW_SIZE(expectation_fails_extra_version),
        .old_size = OLD_SIZE_xen_extra_version,
        .version = LIVEPATCH_PAYLOAD_VERSION,
        .expect = { .enabled = 1, .len = 3, .data = { 0xde, 0xad, 0xc0 } },
    },
};
