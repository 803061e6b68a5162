/*
 * No new code: new_addr is NULL, so Xen fills the first new_size bytes of the function with NOPs. All of
 * nag_administrator() goes but its last instruction, the return. At most 31 bytes can go this way.
 */
#include "livepatch.h"

LIVEPATCH_FUNCS(nop_funcs) = {
    {
        .name = "nag_administrator",
        .new_addr = NULL,
        .new_size = OLD_SIZE_nag_administrator - RETURN_SIZE,
        .old_size = OLD_SIZE_nag_administrator,
        .version = LIVEPATCH_PAYLOAD_VERSION,
    },
};
