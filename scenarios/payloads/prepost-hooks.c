/*
 * Hooks before and after the actions. The first revert is vetoed, the second is not, and in the end everything has been
 * called as often as it should.
 */
#include "livepatch.h"

static const char *prepost_extra_version(void)
{
    return "-prepost";
}

LIVEPATCH_FUNCS(prepost_funcs) = {
    { .name = "xen_extra_version", .new_addr = prepost_extra_version, .version = 2 },
};

static unsigned int prepost_calls[4];

static int HOOK prepost_before_apply(struct payload *payload)
{
    (void)payload;
    printk(LEVEL_DEBUG "prepost: before apply, time %u\n", ++prepost_calls[0]);
    return 0;
}

static void HOOK prepost_after_apply(struct payload *payload)
{
    (void)payload;
    printk(LEVEL_DEBUG "prepost: after apply, time %u\n", ++prepost_calls[1]);
}

static int HOOK prepost_before_revert(struct payload *payload)
{
    (void)payload;
    printk(LEVEL_DEBUG "prepost: before revert, time %u\n", ++prepost_calls[2]);
    return prepost_calls[2] == 1 ? -1 : 0;
}

static void HOOK prepost_after_revert(struct payload *payload)
{
    (void)payload;
    printk(LEVEL_DEBUG "prepost: after revert, time %u\n", ++prepost_calls[3]);
    BUG_ON(prepost_calls[0] != 1 || prepost_calls[1] != 1 || prepost_calls[2] != 2 || prepost_calls[3] != 1);
}

INT_HOOK(preapply, prepost_before_apply);
VOID_HOOK(postapply, prepost_after_apply);
INT_HOOK(prerevert, prepost_before_revert);
VOID_HOOK(postrevert, prepost_after_revert);
