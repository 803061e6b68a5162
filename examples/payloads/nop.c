/*
 * No new code: new_addr is NULL, so Xen fills the first new_size bytes of the function with NOPs. All but the last byte
 * of nag_administrator() go, its `ret` stays. At most 31 bytes can go this way.
 */
#include "livepatch.h"

LIVEPATCH_FUNCS(nop_funcs) = {
    {
        .name = "nag_administrator",
        .new_addr = NULL,
        .new_size = OLD_SIZE_nag_administrator - 1,
        .old_size = OLD_SIZE_nag_administrator,
        .version = LIVEPATCH_PAYLOAD_VERSION,
    },
};
