/* Entry point, first in the image, and the boot stack. */
        .file "arch/arm/arm64/head.S"
        .section .head, "ax", %progbits

        .p2align 12
        .globl start
        .type start, %function
start:
        adrp    x0, cpu0_stack_end
        add     x0, x0, :lo12:cpu0_stack_end
        mov     sp, x0
        mov     x29, xzr
        bl      __start_xen
        brk     #1
        .size start, . - start

        .section .bss.stack, "aw", %nobits
        .p2align 12
        .type cpu0_stack, %object
cpu0_stack:
        .skip 0x8000
        .size cpu0_stack, . - cpu0_stack
cpu0_stack_end:

        .section .note.GNU-stack, "", %progbits
