/*
 * The apply hook gives up and leaves the state alone: the payload is not applied, and nothing is inconsistent.
 */
#include "livepatch.h"

static const char *noapply_extra_version(void)
{
    return "-never";
}

LIVEPATCH_FUNCS(noapply_funcs) = {
    { .name = "xen_extra_version", .new_addr = noapply_extra_version, .version = 2 },
};

static unsigned int noapply_tries;

static int HOOK noapply_apply(struct payload *payload)
{
    (void)payload;
    printk(LEVEL_DEBUG "noapply: try %u\n", ++noapply_tries);
    return -XEN_EINVAL;
}

static void HOOK noapply_after_apply(struct payload *payload)
{
    (void)payload;
    printk(LEVEL_DEBUG "noapply: after %u\n", noapply_tries);
    BUG_ON(noapply_tries != 1);
}

static int HOOK noapply_revert(struct payload *payload)
{
    (void)payload;
    BUG();
}

INT_HOOK(apply, noapply_apply);
VOID_HOOK(postapply, noapply_after_apply);
INT_HOOK(revert, noapply_revert);
