/*
 * A payload with variables. What they hold after a revert is not what they held when the payload was loaded, so Xen
 * refuses to apply it a second time: it has to be unloaded and uploaded again.
 */
#include "livepatch.h"

static unsigned int data_calls = 1;
static char data_text[16];

static const char *data_extra_version(void)
{
    data_text[0] = '-';
    data_text[1] = 'a' + data_calls++ % 26;
    return data_text;
}

LIVEPATCH_FUNCS(data_funcs) = {
    {
        .name = "xen_extra_version",
        .new_addr = data_extra_version,
        .new_size = NEW_SIZE(data_extra_version),
        .old_size = OLD_SIZE_xen_extra_version,
        .version = LIVEPATCH_PAYLOAD_VERSION,
    },
};
