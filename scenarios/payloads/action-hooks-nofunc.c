/*
 * The same hooks with nothing to patch: there is no .livepatch.funcs.
 */
#define NO_FUNCTIONS
#include "action-hooks.c"
