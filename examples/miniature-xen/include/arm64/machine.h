/* arm64: traps, branches and copying. Included by xen.h. */
#ifndef MINIATURE_XEN_MACHINE_H
#define MINIATURE_XEN_MACHINE_H

/* Functions that are called through pointers need no mark. */
#define cf_check

#define BUG_TRAP "brk #1"
#include "../arm/bug.h"
#include "../arm/alternative.h"

/* B: 26 bits of distance, counted in instructions from the branch itself. */
#define BRANCH(distance) (0x14000000u | (((u32)(distance) >> 2) & 0x03ffffffu))

/* Makes what was written seen by instruction fetches. */
#define SYNC_CODE() asm volatile ( "ic iallu; dsb nsh; isb" ::: "memory" )

/* Waits for an interrupt. */
#define WAIT() asm volatile ( "dsb sy; wfi" ::: "memory" )

/* The loops of memcpy() and memset(). */
#define COPY_BYTES(to, from, n)                                                                                       \
    do {                                                                                                              \
        u32 byte_;                                                                                                    \
        asm volatile ( "1: cbz %[n_], 2f\n\t"                                                                         \
                       "ldrb %w[byte], [%[from_]], #1\n\t"                                                            \
                       "strb %w[byte], [%[to_]], #1\n\t"                                                              \
                       "sub %[n_], %[n_], #1\n\t"                                                                     \
                       "b 1b\n"                                                                                       \
                       "2:"                                                                                           \
                       : [to_] "+r" (to), [from_] "+r" (from), [n_] "+r" (n), [byte] "=&r" (byte_) :: "memory" );     \
    } while ( 0 )
#define FILL_BYTES(to, c, n)                                                                                          \
    asm volatile ( "1: cbz %[n_], 2f\n\t"                                                                             \
                   "strb %w[byte], [%[to_]], #1\n\t"                                                                  \
                   "sub %[n_], %[n_], #1\n\t"                                                                         \
                   "b 1b\n"                                                                                           \
                   "2:"                                                                                               \
                   : [to_] "+r" (to), [n_] "+r" (n) : [byte] "r" (c) : "memory" )

#endif
