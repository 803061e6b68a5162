/*
 * Code that depends on the CPU. Each entry of .altinstructions names an original, a replacement and a feature; where the
 * CPU has the feature, Xen copies the replacement over the original while it loads the payload, and fills up with NOPs.
 *
 * Long mode (93) is always there: the first replacement always wins and the function returns "-replaced". SMAP (180) may
 * be absent: then the three bytes of padding stay NOPs.
 *
 * 4.17.0 to 4.17.3, 4.18.0 and 4.18.1 panic when they load any such payload on a CPU with CET-IBT switched on: they walk
 * a list that is gone after boot (fixed by 4be1fef1e6, in 4.17.4, 4.18.2 and 4.19.0).
 */
#include "livepatch.h"

#define FEATURE_LM "93"
#define FEATURE_SMAP "180"

/* 14 bytes: where, with what, feature, three lengths, and a byte that is Xen's own. */
#define ALTERNATIVE(original, padding, replacement, feature) \
    "1:\n\t" original "\n" \
    "2:\n\t.fill " padding ", 1, 0x90\n\t" \
    ".pushsection .altinstr_replacement, \"ax\", @progbits\n" \
    "3:\n\t" replacement "\n" \
    "4:\n\t.popsection\n\t" \
    ".pushsection .altinstructions, \"a\", @progbits\n\t" \
    ".long 1b - .\n\t.long 3b - .\n\t.word " feature "\n\t" \
    ".byte 2b - 1b, 4b - 3b, " padding ", 0\n\t" \
    ".popsection\n\t"

static const char alternatives_text[2][16] = { "-original", "-replaced" };

static const char *alternatives_extra_version(void)
{
    unsigned int index;

    asm volatile ( ALTERNATIVE("mov $0, %[index]", "0", "push $1; pop %q[index]", FEATURE_LM)
                   ALTERNATIVE("", "3", "clac", FEATURE_SMAP)
                   : [index] "=a" (index) :: "cc" );
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
