/* arm32: traps, branches and copying. Included by xen.h. */
#ifndef MINIATURE_XEN_MACHINE_H
#define MINIATURE_XEN_MACHINE_H

/* Functions that are called through pointers need no mark. */
#define cf_check

/* An instruction that is never defined. */
#define BUG_TRAP ".inst 0xe7f000f0"
#include "../arm/bug.h"
#include "../arm/alternative.h"

/* B: 24 bits of distance, counted in instructions from two behind the branch. */
#define BRANCH(distance) (0xea000000u | (((u32)((distance) - 8) >> 2) & 0x00ffffffu))

/* Makes what was written seen by instruction fetches: ICIALLU. */
#define SYNC_CODE() asm volatile ( "mcr p15, 0, %0, c7, c5, 0; dsb; isb" :: "r" (0) : "memory" )

/* Waits for an interrupt. */
#define WAIT() asm volatile ( "dsb; wfi" ::: "memory" )

/* The loops of memcpy() and memset(). */
#define COPY_BYTES(to, from, n)                                                                                       \
    do {                                                                                                              \
        u32 byte_;                                                                                                    \
        asm volatile ( "1: subs %[n_], %[n_], #1\n\t"                                                                 \
                       "ldrbhs %[byte], [%[from_]], #1\n\t"                                                           \
                       "strbhs %[byte], [%[to_]], #1\n\t"                                                             \
                       "bhs 1b"                                                                                       \
                       : [to_] "+r" (to), [from_] "+r" (from), [n_] "+r" (n), [byte] "=&r" (byte_)                    \
                       :: "memory", "cc" );                                                                           \
    } while ( 0 )
#define FILL_BYTES(to, c, n)                                                                                          \
    asm volatile ( "1: subs %[n_], %[n_], #1\n\t"                                                                     \
                   "strbhs %[byte], [%[to_]], #1\n\t"                                                                 \
                   "bhs 1b"                                                                                           \
                   : [to_] "+r" (to), [n_] "+r" (n) : [byte] "r" (c) : "memory", "cc" )

#endif
