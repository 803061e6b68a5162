/* What the compiler calls by itself. */
#include "xen.h"

void *memcpy(void *to, const void *from, u64 n)
{
    void *start = to;

    asm volatile ( "rep movsb" : "+D" (to), "+S" (from), "+c" (n) :: "memory" );
    return start;
}

void *memset(void *to, int c, u64 n)
{
    void *start = to;

    asm volatile ( "rep stosb" : "+D" (to), "+c" (n) : "a" (c) : "memory" );
    return start;
}
