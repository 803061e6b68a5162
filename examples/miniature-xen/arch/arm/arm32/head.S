/* Entry point, first in the image, and the boot stack. */
        .file "arch/arm/arm32/head.S"
        .syntax unified
        .arm
        .section .head, "ax", %progbits

        .p2align 12
        .globl start
        .type start, %function
start:
        movw    sp, #:lower16:cpu0_stack_end
        movt    sp, #:upper16:cpu0_stack_end
        mov     fp, #0
        bl      __start_xen
        .inst   0xe7f000f0
        .size start, . - start

        .section .bss.stack, "aw", %nobits
        .p2align 12
        .type cpu0_stack, %object
cpu0_stack:
        .skip 0x8000
        .size cpu0_stack, . - cpu0_stack
cpu0_stack_end:

        .section .note.GNU-stack, "", %progbits
