/*
 * What a payload tells the hypervisor, as public/sysctl.h and the loader lay it out. Included by every example.
 */
#ifndef LIVEPATCH_H
#define LIVEPATCH_H

/* Symbols of the hypervisor are reached directly: the loader knows no GOT. */
#pragma GCC visibility push(hidden)

#define NULL ((void *)0)

typedef unsigned char u8;
typedef unsigned int u32;

/* What is expected to be at old_addr; compared when the payload is applied. */
struct livepatch_expectation {
    u8 enabled : 1, len : 5, rsv : 2;
    u8 data[31];
};

struct livepatch_func {
    const char *name; /* of the function to be replaced; FILE#NAME if it is static */
    void *new_addr;   /* NULL: fill with NOPs instead */
    void *old_addr;   /* NULL: look `name` up */
    u32 new_size, old_size;
    u8 version;
    u8 pad[39]; /* up to 4.17.2 and 4.18.0 Xen kept its own state here */
    struct livepatch_expectation expect;
};

_Static_assert(sizeof(struct livepatch_func) == 3 * sizeof(void *) + 80, "104 bytes, or 92 where pointers have four");

#define LIVEPATCH_PAYLOAD_VERSION 2

/*
 * The table of functions. Each payload's table needs its own name, static or not: two loaded payloads must not define the
 * same symbol. The alignment keeps the compiler from putting gaps between entries.
 */
#define LIVEPATCH_FUNCS(table) \
    static struct livepatch_func table[] __attribute__((section(".livepatch.funcs"), used, aligned(8)))

/*
 * OLD_SIZE_function and OLD_BYTES_function: length and first bytes (up to 31) of the hypervisor's functions, taken from
 * its image when the examples are built. Static ones are OLD_SIZE_common_kernel_c_dump_state and the like.
 */
#include "old-functions.h"

/* How long a function of the payload is. Known once it has been compiled: the build compiles twice. */
#ifdef HAVE_NEW_SIZES
#include "new-sizes.h"
#define NEW_SIZE(function) NEW_SIZE_##function
#else
#define NEW_SIZE(function) 0
#endif

/* What depends on the architecture. */
#include "machine.h"

extern void printk(const char *fmt, ...);

#endif
