/* Patching one function: five bytes of jump, behind the ENDBR64 where there is one. */
#include "xen.h"

#define JMP_INSN_SIZE 5
#define ENDBR64 0xfa1e0ff3u

/* public/sysctl.h, layout since 4.18.1: what follows `version` belongs to nobody. */
struct livepatch_func {
    const char *name;
    void *new_addr, *old_addr;
    u32 new_size, old_size;
    u8 version, pad[39];
    u8 expect[32];
};

int arch_livepatch_quiesce(void)
{
    return 0;
}

void arch_livepatch_revive(void)
{
    asm volatile ( "" ::: "memory" );
}

void noinline arch_livepatch_apply(const struct livepatch_func *func, struct livepatch_fstate *state)
{
    u8 *at = func->old_addr;
    s32 distance;

    state->patch_offset = *(const u32 *)at == ENDBR64 ? 4 : 0;
    at += state->patch_offset;
    memcpy(state->insn_buffer, at, JMP_INSN_SIZE);

    distance = (u8 *)func->new_addr - (at + JMP_INSN_SIZE);
    at[0] = 0xe9;
    memcpy(at + 1, &distance, sizeof(distance));
}

void noinline arch_livepatch_revert(const struct livepatch_func *func, struct livepatch_fstate *state)
{
    memcpy((u8 *)func->old_addr + state->patch_offset, state->insn_buffer, JMP_INSN_SIZE);
}
