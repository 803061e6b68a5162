/*
 * The jump needs five bytes, and the function starts with ENDBR64, which stays: nine bytes in all. A payload that says
 * that there are only eight is refused, without a word on the console.
 */
#include "livepatch.h"

static void old_size_too_small_handlers(unsigned char key)
{
    printk("'%c' pressed -> no handlers\n", key);
}

LIVEPATCH_FUNCS(old_size_too_small_funcs) = {
    {
        .name = "common/keyhandler.c#show_handlers",
        .new_addr = old_size_too_small_handlers,
        .new_size = NEW_SIZE(old_size_too_small_handlers),
        .old_size = 8,
        .version = LIVEPATCH_PAYLOAD_VERSION,
    },
};
