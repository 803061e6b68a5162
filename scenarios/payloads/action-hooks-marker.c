/*
 * The hypervisor does the work; the hooks around it look at the state of each function, before and after.
 */
#include "livepatch.h"

PAYLOAD_LAYOUT(marker_layout);

static const char *marker_extra_version(void)
{
    return "-marker";
}

LIVEPATCH_FUNCS(marker_funcs) = {
    { .name = "xen_extra_version", .new_addr = marker_extra_version, .version = 2 },
};

static void marker_look(struct payload *payload, const char *when, u8 applied)
{
    u32 i, count = function_count(payload, &marker_layout);

    printk(LEVEL_DEBUG "marker: %s\n", when);
    BUG_ON(count != 1);
    for ( i = 0; i < count; i++ )
        BUG_ON(*function_state(payload, &marker_layout, i) != applied);
}

static int HOOK marker_before_apply(struct payload *payload)
{
    marker_look(payload, "before apply", 0);
    return 0;
}

static void HOOK marker_after_apply(struct payload *payload)
{
    marker_look(payload, "after apply", 1);
}

static int HOOK marker_before_revert(struct payload *payload)
{
    marker_look(payload, "before revert", 1);
    return 0;
}

static void HOOK marker_after_revert(struct payload *payload)
{
    marker_look(payload, "after revert", 0);
}

INT_HOOK(preapply, marker_before_apply);
VOID_HOOK(postapply, marker_after_apply);
INT_HOOK(prerevert, marker_before_revert);
VOID_HOOK(postrevert, marker_after_revert);
