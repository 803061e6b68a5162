/*
 * A trap that carries its file and line, on both of Arm's: three distances from the frame (to the trap, to the file's
 * name, to a message where there is one), then the line.
 */
#ifndef MINIATURE_XEN_BUG_H
#define MINIATURE_XEN_BUG_H

#define BUG_FRAME(type, line, file)                                                                                   \
    asm volatile ( "1: " BUG_TRAP "\n\t"                                                                              \
                   ".pushsection .rodata.str, \"aMS\", %%progbits, 1\n"                                               \
                   "2: .asciz \"" file "\"\n\t"                                                                       \
                   ".popsection\n\t"                                                                                  \
                   ".pushsection .bug_frames." #type ", \"a\", %%progbits\n\t"                                        \
                   ".p2align 2\n"                                                                                     \
                   "3: .long 1b - 3b, 2b - 3b, 0\n\t"                                                                 \
                   ".hword %c[at], 0\n\t"                                                                             \
                   ".popsection"                                                                                      \
                   :: [at] "i" (line) )

#endif
