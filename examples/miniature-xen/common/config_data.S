/* The configuration that the hypervisor was built with: the build script compresses it with gzip and leaves it here. */
        .file "common/config_data.S"
        .section .rodata, "a", %progbits
        .p2align 2

        .globl xen_config_data
        .type xen_config_data, %object
xen_config_data:
        .incbin "xen-config.gz"
.Lend:
        .size xen_config_data, .Lend - xen_config_data

        .p2align 2
        .globl xen_config_data_size
        .type xen_config_data_size, %object
xen_config_data_size:
        .long .Lend - xen_config_data
        .size xen_config_data_size, 4

        .section .note.GNU-stack, "", %progbits
