/* Entry point, first in the image, and the boot stack. */
        .file "arch/x86/boot/head.S"
        .section .head, "ax", @progbits

        .p2align 12
        .globl start
        .type start, @function
start:
        lea     cpu0_stack_end(%rip), %rsp
        xor     %ebp, %ebp
        call    __start_xen
        ud2
        .size start, . - start

        .section .bss.stack, "aw", @nobits
        .p2align 12
        .type cpu0_stack, @object
cpu0_stack:
        .skip 0x8000
        .size cpu0_stack, . - cpu0_stack
cpu0_stack_end:

        .section .note.GNU-stack, "", @progbits
