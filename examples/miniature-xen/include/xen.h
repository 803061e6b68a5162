/*
 * The few declarations that the miniature hypervisor's files share.
 *
 * Names, section names and encodings are Xen's, so that a tool which reads a real xen-syms reads this one; the code is
 * written for this example and does only what the example needs. What depends on the architecture is in its machine.h.
 */
#ifndef MINIATURE_XEN_H
#define MINIATURE_XEN_H

/* Nothing is exported from a hypervisor: no reference goes through a GOT. */
#pragma GCC visibility push(hidden)

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef __UINT64_TYPE__ u64;
typedef signed int s32;
typedef __SIZE_TYPE__ size_t;

#define NULL ((void *)0)
#define ARRAY_SIZE(x) (sizeof(x) / sizeof((x)[0]))

#define __init __attribute__((section(".init.text"), cold, __noinline__))
#define __initdata __attribute__((section(".init.data")))
#define __ro_after_init __attribute__((section(".data.ro_after_init")))
#define __read_mostly __attribute__((section(".data.read_mostly")))
#define noinline __attribute__((__noinline__))

#include "machine.h"

#define WARN() BUG_FRAME(1, __LINE__, __FILE__)
#define BUG() do { BUG_FRAME(2, __LINE__, __FILE__); __builtin_unreachable(); } while ( 0 )
#define WARN_ON(x) do { if ( x ) WARN(); } while ( 0 )
#define BUG_ON(x) do { if ( x ) BUG(); } while ( 0 )

struct keyhandler {
    void (*fn)(unsigned char key);
    const char *desc;
};

/* common/version.c */
unsigned int xen_major_version(void);
unsigned int xen_minor_version(void);
const char *xen_extra_version(void);
const char *xen_changeset(void);
const char *xen_compile_date(void);
int xen_build_id(const void **p, unsigned int *len);

/* common/kernel.c */
long do_xen_version(int cmd, void *arg);
void nag_administrator(void);

/* common/keyhandler.c */
void handle_keypress(unsigned char key);
void register_keyhandler(unsigned char key, void (*fn)(unsigned char key), const char *desc);

/* common/livepatch.c, arch/…/livepatch.c */
struct livepatch_func;
struct livepatch_fstate {
    unsigned int patch_offset;
    u32 applied;
    u8 insn_buffer[31];
};
void check_for_livepatch_work(void);
int arch_livepatch_quiesce(void);
void arch_livepatch_revive(void);
void arch_livepatch_apply(const struct livepatch_func *func, struct livepatch_fstate *state);
void arch_livepatch_revert(const struct livepatch_func *func, struct livepatch_fstate *state);

/* drivers/char/console.c */
void printk(const char *fmt, ...);

/* arch/… */
void __start_xen(void);
void startup_cpu_idle_loop(void);

/* The compiler calls these on its own. */
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);

#endif
