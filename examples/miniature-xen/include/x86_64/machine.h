/* x86-64: traps, alternatives, the exception table, and copying. Included by xen.h. */
#ifndef MINIATURE_XEN_MACHINE_H
#define MINIATURE_XEN_MACHINE_H

/* Called through a pointer: starts with ENDBR64. With -mmanual-endbr no other function does. */
#define cf_check __attribute__((cf_check))

/*
 * A trap that carries its file and line. Frame: bits 0-23 of the two words are the distances from the frame to the trap
 * and to the file's name, bits 24-30 the two halves of the line number.
 */
#define BUG_FRAME(type, line, file)                                                                                   \
    asm volatile ( "1: ud2\n\t"                                                                                       \
                   ".pushsection .bug_frames." #type ", \"a\", @progbits\n\t"                                         \
                   ".p2align 2\n"                                                                                     \
                   "2: .long (1b - 2b) + %c[hi], (%c[ptr] - 2b) + %c[lo]\n\t"                                         \
                   ".popsection"                                                                                      \
                   :: [hi] "i" (((line) >> 7) << 24), [lo] "i" (((line) & 127) << 24), [ptr] "i" (file) )

/* Indices into the CPU's feature words: word * 32 + bit. Long mode is on wherever Xen runs. */
#define FEATURE_ALWAYS 93 /* LM */
#define FEATURE_SMAP 180

#define STR_(x) #x
#define STR(x) STR_(x)

/*
 * One entry of .altinstructions (14 bytes, packed): original, replacement, feature, length of the original, of the
 * replacement, of the padding behind the original, and a byte for Xen's own use.
 */
#define ALTERNATIVE(original, padding, replacement, feature)                                                          \
    "661:\n\t" original "\n"                                                                                          \
    "662:\n\t.fill " STR(padding) ", 1, 0x90\n\t"                                                                        \
    ".pushsection .altinstr_replacement, \"ax\", @progbits\n"                                                         \
    "663:\n\t" replacement "\n"                                                                                       \
    "664:\n\t.popsection\n\t"                                                                                         \
    ".pushsection .altinstructions, \"a\", @progbits\n\t"                                                             \
    ".long 661b - .\n\t.long 663b - .\n\t.word " STR(feature) "\n\t"                                                  \
    ".byte 662b - 661b, 664b - 663b, " STR(padding) ", 0\n\t"                                                         \
    ".popsection\n\t"

/* Fault at `at`, go on at `fixup`. */
#define EX_TABLE(at, fixup)                                                                                           \
    ".pushsection .ex_table, \"a\", @progbits\n\t"                                                                    \
    ".p2align 2\n\t.long " #at " - ., " #fixup " - .\n\t"                                                             \
    ".popsection\n\t"

/* arch/x86/usercopy.c */
unsigned int copy_byte_from_guest(u8 *to, const u8 *from);

/* The loops of memcpy() and memset(). */
#define COPY_BYTES(to, from, n) asm volatile ( "rep movsb" : "+D" (to), "+S" (from), "+c" (n) :: "memory" )
#define FILL_BYTES(to, c, n) asm volatile ( "rep stosb" : "+D" (to), "+c" (n) : "a" (c) : "memory" )

#endif
