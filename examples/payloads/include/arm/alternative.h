/* Alternatives of both of Arm's: whole instructions, as many in place of as many. */
#ifndef LIVEPATCH_ALTERNATIVE_H
#define LIVEPATCH_ALTERNATIVE_H

/* Capabilities of the host. The first is on wherever there are live patches. */
#define ARM_LIVEPATCH "4"
#define ARM_HARDEN_BRANCH_PREDICTOR "6"

/* 12 bytes: where, with what, capability, two lengths. */
#define ALTERNATIVE(original, replacement, feature) \
    "1:\n\t" original "\n" \
    "2:\n\t.pushsection .altinstr_replacement, \"ax\", %%progbits\n" \
    "3:\n\t" replacement "\n" \
    "4:\n\t.popsection\n\t" \
    ".pushsection .altinstructions, \"a\", %%progbits\n\t" \
    ".p2align 2\n\t.long 1b - ., 3b - .\n\t.hword " feature "\n\t" \
    ".byte 2b - 1b, 4b - 3b\n\t" \
    ".popsection\n"

#endif
