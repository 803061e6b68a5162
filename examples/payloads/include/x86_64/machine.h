/* x86-64: marks, sizes, and alternatives. Included by livepatch.h. */
#ifndef LIVEPATCH_MACHINE_H
#define LIVEPATCH_MACHINE_H

/* Called through a pointer: must start with ENDBR64 where Xen uses CET indirect branch tracking. */
#define cf_check __attribute__((cf_check))

/* `ret`. */
#define RETURN_SIZE 1
/* A byte less than ENDBR64 and the jump behind it. */
#define TOO_SMALL 8

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

/* Sets %[index] to 0, or to 1; the second one is shorter. */
#define ALTERNATIVE_ALWAYS ALTERNATIVE("mov $0, %[index]", "0", "push $1; pop %q[index]", FEATURE_LM)
#define INDEX_REGISTER "=a"
/* Three bytes of padding, or an instruction. */
#define ALTERNATIVE_MAYBE ALTERNATIVE("", "3", "clac", FEATURE_SMAP)

#endif
