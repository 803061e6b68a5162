/* Guest memory: alternatives that depend on the CPU, and an entry in the exception table. */
#include "xen.h"

/*
 * Copies one byte; returns how many were not copied. Where the CPU has SMAP, stac and clac take the place of the
 * three-byte NOPs; elsewhere those stay.
 */
unsigned int copy_byte_from_guest(u8 *to, const u8 *from)
{
    unsigned int left = 1;

    asm volatile ( ALTERNATIVE("nopl (%%rax)", 0, "stac", FEATURE_SMAP)
                   "1: movb (%[from]), %%al\n\t"
                   "movb %%al, (%[to])\n\t"
                   "xor %k[left], %k[left]\n"
                   "2:\n\t"
                   ALTERNATIVE("nopl (%%rax)", 0, "clac", FEATURE_SMAP)
                   EX_TABLE(1b, 2b)
                   : [left] "+r" (left)
                   : [to] "r" (to), [from] "r" (from)
                   : "rax", "memory", "cc" );
    return left;
}

/* On every CPU that Xen runs on the replacement wins, and its shorter length is filled up with NOPs. */
unsigned int cpu_has_long_mode(void)
{
    unsigned int yes;

    asm ( ALTERNATIVE("mov $0, %[yes]", 2, "xor %[yes], %[yes]; inc %[yes]", FEATURE_ALWAYS) : [yes] "=a" (yes) :: "cc" );
    return yes;
}
