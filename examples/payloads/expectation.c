/*
 * Applied only if the function still looks as it did when the payload was made: the first bytes of xen_extra_version()
 * are compared with these, and any difference, say another payload's jump, is refused.
 */
#include "livepatch.h"

static const char *expectation_extra_version(void)
{
    return "-expected";
}

LIVEPATCH_FUNCS(expectation_funcs) = {
    {
        .name = "xen_extra_version",
        .new_addr = expectation_extra_version,
        .new_size = NEW_SIZE(expectation_extra_version),
        .old_size = OLD_SIZE_xen_extra_version,
        .version = LIVEPATCH_PAYLOAD_VERSION,
        .expect = {
            .enabled = 1,
            .len = sizeof((u8[]){ OLD_BYTES_xen_extra_version }),
            .data = { OLD_BYTES_xen_extra_version },
        },
    },
};
