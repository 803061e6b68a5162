/* arm32: marks, sizes, and alternatives. Included by livepatch.h. */
#ifndef LIVEPATCH_MACHINE_H
#define LIVEPATCH_MACHINE_H

#include "../arm/alternative.h"

/* Functions that are called through pointers need no mark. */
#define cf_check

/* `bx lr`. */
#define RETURN_SIZE 4
/* A byte less than the branch. */
#define TOO_SMALL 3

/* Sets %[index] to 0, or to 1. */
#define ALTERNATIVE_ALWAYS ALTERNATIVE("mov %[index], #0", "mov %[index], #1", ARM_LIVEPATCH)
#define INDEX_REGISTER "=r"
/* A NOP, or a barrier. */
#define ALTERNATIVE_MAYBE ALTERNATIVE("nop", "isb", ARM_HARDEN_BRANCH_PREDICTOR)

#endif
