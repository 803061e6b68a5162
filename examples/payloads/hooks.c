/*
 * Code that runs once: load hooks while the payload is applied, before its functions are patched; unload hooks while it
 * is reverted, after they are restored. All CPUs stand still meanwhile.
 *
 * The hook sections are writable, as compilers make them (the pointers need relocations): to Xen that is data, and the
 * payload cannot be applied again after a revert.
 */
#include "livepatch.h"

static const char *hooks_extra_version(void)
{
    return "-hooked";
}

LIVEPATCH_FUNCS(hooks_funcs) = {
    {
        .name = "xen_extra_version",
        .new_addr = hooks_extra_version,
        .new_size = NEW_SIZE(hooks_extra_version),
        .old_size = OLD_SIZE_xen_extra_version,
        .version = LIVEPATCH_PAYLOAD_VERSION,
    },
};

static void cf_check hooks_on_load(void)
{
    printk("hooks: load hook\n");
}

static void cf_check hooks_on_unload(void)
{
    printk("hooks: unload hook\n");
}

static void (*hooks_load)(void) __attribute__((section(".livepatch.hooks.load"), used)) = hooks_on_load;
static void (*hooks_unload)(void) __attribute__((section(".livepatch.hooks.unload"), used)) = hooks_on_unload;
