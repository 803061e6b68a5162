/* What the compiler calls by itself. */
#include "xen.h"

void *memcpy(void *to, const void *from, size_t n)
{
    void *start = to;

    COPY_BYTES(to, from, n);
    return start;
}

void *memset(void *to, int c, size_t n)
{
    void *start = to;

    FILL_BYTES(to, c, n);
    return start;
}
