/*
 * Expects six bytes that no function starts with.
 */
#include "livepatch.h"

static const char *surprised_extra_version(void)
{
    return "-never";
}

LIVEPATCH_FUNCS(surprised_funcs) = {
    {
        .name = "xen_extra_version",
        .new_addr = surprised_extra_version,
        .version = 2,
        .expect = { .enabled = 1, .len = 6, .data = { 0xba, 0xdc, 0x0f, 0xfe, 0xe0, 0x0d } },
    },
};
