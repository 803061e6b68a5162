/*
 * The revert hook gives up, and the hook after it does the revert after all, with the hypervisor's own functions: exported
 * since 4.17.4, 4.18.1 and 4.19.
 */
#include "livepatch.h"

extern int revert_payload(struct payload *payload);
extern void revert_payload_tail(struct payload *payload);

static const char *norevert_extra_version(void)
{
    return "-norevert";
}

LIVEPATCH_FUNCS(norevert_funcs) = {
    { .name = "xen_extra_version", .new_addr = norevert_extra_version, .version = 2 },
};

static unsigned int norevert_tries;

static int HOOK norevert_revert(struct payload *payload)
{
    (void)payload;
    printk(LEVEL_DEBUG "norevert: try %u\n", ++norevert_tries);
    return -XEN_EINVAL;
}

static void HOOK norevert_after_revert(struct payload *payload)
{
    u64 flags;

    BUG_ON(norevert_tries != 1);
    asm volatile ( "pushf; pop %0; cli" : "=r" (flags) :: "memory" );
    BUG_ON(revert_payload(payload) != 0);
    revert_payload_tail(payload);
    asm volatile ( "push %0; popf" :: "r" (flags) : "memory", "cc" );
    printk(LEVEL_DEBUG "norevert: done after all\n");
}

INT_HOOK(revert, norevert_revert);
VOID_HOOK(postrevert, norevert_after_revert);
