/*
 * A jump needs five bytes on x86-64, and the function starts with ENDBR64, which stays: nine bytes in all. On Arm it needs
 * four. A payload that says that there is one byte less is refused, without a word on the console.
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
        .old_size = TOO_SMALL,
        .version = LIVEPATCH_PAYLOAD_VERSION,
    },
};
