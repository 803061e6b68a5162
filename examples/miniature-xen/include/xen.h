/*
 * The few declarations that the miniature hypervisor's files share.
 *
 * Names, section names and encodings are Xen's, so that a tool which reads a real xen-syms reads this one; the code is
 * written for this example and does only what the example needs.
 */
#ifndef MINIATURE_XEN_H
#define MINIATURE_XEN_H

/* Nothing is exported from a hypervisor: every reference is PC relative, none goes through a GOT. */
#pragma GCC visibility push(hidden)

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef signed int s32;

#define NULL ((void *)0)
#define ARRAY_SIZE(x) (sizeof(x) / sizeof((x)[0]))

#define __init __attribute__((section(".init.text"), cold, __noinline__))
#define __initdata __attribute__((section(".init.data")))
#define __ro_after_init __attribute__((section(".data.ro_after_init")))
#define __read_mostly __attribute__((section(".data.read_mostly")))
#define noinline __attribute__((__noinline__))

/* Called through a pointer: starts with ENDBR64. With -mmanual-endbr no other function does. */
#define cf_check __attribute__((cf_check))

/*
 * A trap that carries its file and line. Frame: bits 0-23 of the two words are the distances from the frame to the trap
 * and to the file's name, bits 24-30 the two halves of the line number.
 */
#define BUG_FRAME(type, line, file)                                                                                   \
    asm volatile ( "1: ud2\n\t"                                                                                       \
                   ".pushsection .bug_frames." #type ", \"a\", @progbits\n\t"                                         \
                   ".p2align 2\n"                                                                                     \
                   "2: .long (1b - 2b) + %c[hi], (%c[ptr] - 2b) + %c[lo]\n\t"                                         \
                   ".popsection"                                                                                      \
                   :: [hi] "i" (((line) >> 7) << 24), [lo] "i" (((line) & 127) << 24), [ptr] "i" (file) )

#define WARN() BUG_FRAME(1, __LINE__, __FILE__)
#define BUG() do { BUG_FRAME(2, __LINE__, __FILE__); __builtin_unreachable(); } while ( 0 )
#define WARN_ON(x) do { if ( x ) WARN(); } while ( 0 )
#define BUG_ON(x) do { if ( x ) BUG(); } while ( 0 )

/* Indices into the CPU's feature words: word * 32 + bit. Long mode is on wherever Xen runs. */
#define FEATURE_ALWAYS 93 /* LM */
#define FEATURE_SMAP 180

#define STR_(x) #x
#define STR(x) STR_(x)

/*
 * One entry of .altinstructions (14 bytes, packed): original, replacement, feature, length of the original, of the
 * replacement, of the padding behind the original, and a byte for Xen's own use.
 */
#define ALTERNATIVE(original, padding, replacement, feature)                                                          \
    "661:\n\t" original "\n"                                                                                          \
    "662:\n\t.fill " STR(padding) ", 1, 0x90\n\t"                                                                        \
    ".pushsection .altinstr_replacement, \"ax\", @progbits\n"                                                         \
    "663:\n\t" replacement "\n"                                                                                       \
    "664:\n\t.popsection\n\t"                                                                                         \
    ".pushsection .altinstructions, \"a\", @progbits\n\t"                                                             \
    ".long 661b - .\n\t.long 663b - .\n\t.word " STR(feature) "\n\t"                                                  \
    ".byte 662b - 661b, 664b - 663b, " STR(padding) ", 0\n\t"                                                         \
    ".popsection\n\t"

/* Fault at `at`, go on at `fixup`. */
#define EX_TABLE(at, fixup)                                                                                           \
    ".pushsection .ex_table, \"a\", @progbits\n\t"                                                                    \
    ".p2align 2\n\t.long " #at " - ., " #fixup " - .\n\t"                                                             \
    ".popsection\n\t"

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

/* common/livepatch.c, arch/x86/livepatch.c */
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

/* arch/x86 */
void __start_xen(void);
void startup_cpu_idle_loop(void);
unsigned int copy_byte_from_guest(u8 *to, const u8 *from);

/* The compiler calls these on its own. */
void *memcpy(void *to, const void *from, u64 n);
void *memset(void *to, int c, u64 n);

#endif
