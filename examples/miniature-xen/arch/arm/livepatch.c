/* Patching one function: its first instruction becomes a branch. */
#include "xen.h"

/* public/sysctl.h, layout since 4.18.1: what follows `version` belongs to nobody. */
struct livepatch_func {
    const char *name;
    void *new_addr, *old_addr;
    u32 new_size, old_size;
    u8 version, pad[39];
    u8 expect[32];
};

/* The whole image once more, writable, while patches are applied: how far it is from the first mapping. */
static long text_alias;

int arch_livepatch_quiesce(void)
{
    return 0;
}

void arch_livepatch_revive(void)
{
    SYNC_CODE();
}

void noinline arch_livepatch_apply(const struct livepatch_func *func, struct livepatch_fstate *state)
{
    u32 *place = (u32 *)((u8 *)func->old_addr + text_alias);

    memcpy(state->insn_buffer, func->old_addr, sizeof(*place));
    *place = BRANCH((u8 *)func->new_addr - (u8 *)func->old_addr);
}

void noinline arch_livepatch_revert(const struct livepatch_func *func, struct livepatch_fstate *state)
{
    memcpy((u8 *)func->old_addr + text_alias, state->insn_buffer, sizeof(u32));
}
