/*
 * One entry of .altinstructions (12 bytes) on both of Arm's: original, replacement, capability, and two lengths, which
 * have to be the same.
 */
#ifndef MINIATURE_XEN_ALTERNATIVE_H
#define MINIATURE_XEN_ALTERNATIVE_H

/* Capabilities of the host. The first is on wherever there are live patches. */
#define ARM_LIVEPATCH 4
#define ARM_HARDEN_BRANCH_PREDICTOR 6

#define STR_(x) #x
#define STR(x) STR_(x)

#define ALTERNATIVE(original, replacement, feature)                                                                   \
    "661:\n\t" original "\n"                                                                                          \
    "662:\n\t.pushsection .altinstr_replacement, \"ax\", %%progbits\n"                                                \
    "663:\n\t" replacement "\n"                                                                                       \
    "664:\n\t.popsection\n\t"                                                                                         \
    ".pushsection .altinstructions, \"a\", %%progbits\n\t"                                                            \
    ".long 661b - ., 663b - .\n\t.hword " STR(feature) "\n\t"                                                         \
    ".byte 662b - 661b, 664b - 663b\n\t"                                                                              \
    ".popsection\n\t"

#endif
