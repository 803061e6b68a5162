/*
 * Hooks in place of the actions themselves. They only say that the functions are patched, and that they are not: the
 * hypervisor believes it, and the code stays as it is.
 */
#include "livepatch.h"

PAYLOAD_LAYOUT(actions_layout);

#ifndef NO_FUNCTIONS
static const char *actions_extra_version(void)
{
    return "-actions";
}

LIVEPATCH_FUNCS(actions_funcs) = {
    { .name = "xen_extra_version", .new_addr = actions_extra_version, .version = 2 },
};
#define FUNCTIONS 1
#else
#define FUNCTIONS 0
#endif

static unsigned int actions_applied, actions_reverted;

static int HOOK actions_apply(struct payload *payload)
{
    u32 i, count = function_count(payload, &actions_layout);

    printk(LEVEL_DEBUG "actions: apply of %u\n", count);
    for ( i = 0; i < count; i++, actions_applied++ )
        *function_state(payload, &actions_layout, i) = 1;
    return 0;
}

static int HOOK actions_revert(struct payload *payload)
{
    u32 i, count = function_count(payload, &actions_layout);

    printk(LEVEL_DEBUG "actions: revert of %u\n", count);
    for ( i = 0; i < count; i++, actions_reverted++ )
        *function_state(payload, &actions_layout, i) = 0;
    return 0;
}

static void HOOK actions_after_revert(struct payload *payload)
{
    (void)payload;
    printk(LEVEL_DEBUG "actions: applied %u, reverted %u\n", actions_applied, actions_reverted);
    BUG_ON(actions_applied != FUNCTIONS || actions_reverted != FUNCTIONS);
}

INT_HOOK(apply, actions_apply);
INT_HOOK(revert, actions_revert);
VOID_HOOK(postrevert, actions_after_revert);
