/*
 * Code that depends on the CPU. Each entry of .altinstructions names an original, a replacement and a feature; where the
 * CPU has the feature, Xen copies the replacement over the original while it loads the payload.
 *
 * The first feature is always there: its replacement always wins and the function returns "-replaced". The second may be
 * absent: then the NOPs stay.
 *
 * On x86-64 4.17.0 to 4.17.3, 4.18.0 and 4.18.1 panic when they load any such payload on a CPU with CET-IBT switched on:
 * they walk a list that is gone after boot (fixed by 4be1fef1e6, in 4.17.4, 4.18.2 and 4.19.0).
 */
#include "livepatch.h"

static const char alternatives_text[2][16] = { "-original", "-replaced" };

static const char *alternatives_extra_version(void)
{
    unsigned int index;

    asm volatile ( ALTERNATIVE_ALWAYS ALTERNATIVE_MAYBE : [index] INDEX_REGISTER (index) :: "cc" );
    return alternatives_text[index];
}

LIVEPATCH_FUNCS(alternatives_funcs) = {
    {
        .name = "xen_extra_version",
        .new_addr = alternatives_extra_version,
        .new_size = NEW_SIZE(alternatives_extra_version),
        .old_size = OLD_SIZE_xen_extra_version,
        .version = LIVEPATCH_PAYLOAD_VERSION,
    },
};
