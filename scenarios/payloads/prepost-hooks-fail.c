/*
 * The hook before apply says no; none of the others may ever run.
 */
#include "livepatch.h"

static const char *fails_extra_version(void)
{
    return "-never";
}

LIVEPATCH_FUNCS(fails_funcs) = {
    { .name = "xen_extra_version", .new_addr = fails_extra_version, .version = 2 },
};

static int HOOK fails_before_apply(struct payload *payload)
{
    (void)payload;
    printk(LEVEL_DEBUG "prepost-fail: not today\n");
    return -XEN_EINVAL;
}

static void HOOK fails_after_apply(struct payload *payload)
{
    (void)payload;
    BUG();
}

static int HOOK fails_before_revert(struct payload *payload)
{
    (void)payload;
    BUG();
}

static void HOOK fails_after_revert(struct payload *payload)
{
    (void)payload;
    BUG();
}

INT_HOOK(preapply, fails_before_apply);
VOID_HOOK(postapply, fails_after_apply);
INT_HOOK(prerevert, fails_before_revert);
VOID_HOOK(postrevert, fails_after_revert);
