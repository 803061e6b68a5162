/*
 * What a payload tells the hypervisor, and what its hooks are told. Numbers that depend on the hypervisor are 0 here: they
 * are filled in when the payload is made to fit one (src/scenario/fit-payload.ts).
 */
#ifndef LIVEPATCH_H
#define LIVEPATCH_H

/* Symbols of the hypervisor are reached PC relative: the loader knows no GOT. */
#pragma GCC visibility push(hidden)

#define NULL ((void *)0)

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

/* What is expected at the function to be replaced. All zero data: what the hypervisor's file has there. */
struct livepatch_expectation {
    u8 enabled : 1, len : 5, rsv : 2;
    u8 data[31];
};

/* public/sysctl.h */
struct livepatch_func {
    const char *name;
    void *new_addr; /* NULL: NOPs over the first instruction, which loads a number */
    void *old_addr;
    u32 new_size, old_size;
    u8 version;
    u8 pad[39];
    struct livepatch_expectation expect;
};

_Static_assert(sizeof(struct livepatch_func) == 104, "struct livepatch_func is 104 bytes on x86-64");

#define LIVEPATCH_FUNCS(table) \
    static struct livepatch_func table[] __attribute__((section(".livepatch.funcs"), used, aligned(8)))

/* A hook is reached through a pointer: it starts with ENDBR64, for hosts with CET indirect branch tracking. */
#define HOOK __attribute__((cf_check))

struct payload;

#define LOAD_HOOKS(table, ...) \
    static void (*table[])(void) __attribute__((section(".livepatch.hooks.load"), used)) = { __VA_ARGS__ }
#define UNLOAD_HOOKS(table, ...) \
    static void (*table[])(void) __attribute__((section(".livepatch.hooks.unload"), used)) = { __VA_ARGS__ }
/* preapply, apply, prerevert and revert return an int; postapply and postrevert return nothing. */
#define INT_HOOK(kind, function) \
    static int (*function##_pointer)(struct payload *) \
        __attribute__((section(".livepatch.hooks." #kind), used)) = function
#define VOID_HOOK(kind, function) \
    static void (*function##_pointer)(struct payload *) \
        __attribute__((section(".livepatch.hooks." #kind), used)) = function

/* Where the states of a payload's functions are; see src/scenario/payload-layout.ts. */
struct payload_layout {
    u32 states;  /* in struct payload: a pointer to the first state */
    u32 stride;  /* from one state to the next */
    u32 applied; /* in a state: not 0 where the function is patched */
    u32 nfuncs;  /* in struct payload: how many there are */
};

/* Volatile, as the compiler must not know its values. */
#define PAYLOAD_LAYOUT(name) \
    static const volatile struct payload_layout name \
        __attribute__((section(".rodata.payload_layout"), used, aligned(4))) = { 0, 0, 0, 0 }

static inline u32 function_count(const struct payload *payload, const volatile struct payload_layout *layout)
{
    return *(const u32 *)((const u8 *)payload + layout->nfuncs);
}

static inline u8 *function_state(struct payload *payload, const volatile struct payload_layout *layout, u32 i)
{
    u8 *states = *(u8 **)((u8 *)payload + layout->states);

    return states + i * layout->stride + layout->applied;
}

#define XEN_EINVAL 22
#define XEN_EFAULT 14

#define LEVEL_DEBUG "<3>"
extern void printk(const char *format, ...);

#define TEXT_OF(value) #value
#define TEXT(value) TEXT_OF(value)

/*
 * A trap that is meant: 8 bytes of .bug_frames.2 give its place and those of the file's name, from the frame on, in 24
 * bits each, and the line in the bits above. xen/arch/x86/include/asm/bug.h
 */
#define BUG() do { \
        asm volatile ( "1: ud2\n\t" \
                       ".pushsection .rodata.str1.1, \"aMS\", @progbits, 1\n" \
                       "2: .asciz \"" __FILE__ "\"\n\t" \
                       ".popsection\n\t" \
                       ".pushsection .bug_frames.2, \"a\", @progbits\n\t" \
                       ".p2align 2\n" \
                       "3: .long 1b - 3b + (" TEXT(__LINE__) " >> 7 << 24)\n\t" \
                       ".long 2b - 3b + (" TEXT(__LINE__) " & 127) * 0x1000000\n\t" \
                       ".popsection" ); \
        __builtin_unreachable(); \
    } while ( 0 )
#define BUG_ON(condition) do { if ( __builtin_expect(!!(condition), 0) ) BUG(); } while ( 0 )

#endif
