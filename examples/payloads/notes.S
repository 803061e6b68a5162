/*
 * What a payload depends on: .livepatch.xen_depends names the hypervisor it was made for, .livepatch.depends what has to
 * be applied last when it is applied: the hypervisor itself, or the payload below it in the stack. Both hold a build-id,
 * as a note. The build script defines the bytes; a payload that leaves one out shows what happens then.
 */
        .file "notes.S"

        .macro build_id_note section, id:vararg
        .section \section, "a", %note
        .p2align 2
        .long 4, 2f - 1f, 3             /* name size, descriptor size, NT_GNU_BUILD_ID */
        .asciz "GNU"
1:      .byte \id
2:
        .endm

#ifdef DEPENDS
        build_id_note .livepatch.depends, DEPENDS
#endif
#ifdef XEN_DEPENDS
        build_id_note .livepatch.xen_depends, XEN_DEPENDS
#endif

        .section .note.GNU-stack, "", %progbits
