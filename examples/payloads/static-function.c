/*
 * A static function, named by its file: the architecture's domain.c has a dump_state(), too. On x86-64 it starts with
 * ENDBR64, because it is called through a pointer; Xen keeps those four bytes and puts the jump behind them. The
 * replacement is reached by that jump and needs no ENDBR64 of its own.
 */
#include "livepatch.h"

static void static_function_dump(unsigned char key)
{
    printk("'%c' pressed -> nobody was nagged\n", key);
}

LIVEPATCH_FUNCS(static_function_funcs) = {
    {
        .name = "common/kernel.c#dump_state",
        .new_addr = static_function_dump,
        .new_size = NEW_SIZE(static_function_dump),
        .old_size = OLD_SIZE_common_kernel_c_dump_state,
        .version = LIVEPATCH_PAYLOAD_VERSION,
    },
};
