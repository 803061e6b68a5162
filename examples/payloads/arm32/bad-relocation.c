/*
 * Built with unwind tables: the section that finds them, .ARM.exidx, is loaded like any other and asks for R_ARM_PREL31,
 * which the loader does not know.
 */
#include "livepatch.h"

/* The tables name it. Without it the loader would stop earlier, at a symbol that it does not find. */
void __aeabi_unwind_cpp_pr0(void);
void __aeabi_unwind_cpp_pr0(void)
{
}

static const char *bad_relocation_extra_version(void)
{
    return "-unwound";
}

LIVEPATCH_FUNCS(bad_relocation_funcs) = {
    {
        .name = "xen_extra_version",
        .new_addr = bad_relocation_extra_version,
        .new_size = NEW_SIZE(bad_relocation_extra_version),
        .old_size = OLD_SIZE_xen_extra_version,
        .version = LIVEPATCH_PAYLOAD_VERSION,
    },
};
