/*
 * Puts NOPs over the instruction that loads the number; the function returns whatever is in the register. No name: the
 * address comes from a relocation.
 */
#include "livepatch.h"

extern int xen_minor_version(void);

LIVEPATCH_FUNCS(nop_funcs) = {
    { .old_addr = xen_minor_version, .version = 2 },
};
