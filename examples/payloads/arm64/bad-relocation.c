/*
 * Built with -mcmodel=tiny: the compiler assumes that everything is within 1 MiB, and asks for R_AARCH64_ADR_PREL_LO21.
 * That is true inside of the payload; the hypervisor is 14 MiB away, and the loader finds that it does not fit.
 */
#include "livepatch.h"

extern const char *xen_changeset(void);

static const char *bad_relocation_extra_version(void)
{
    const char *(*far)(void) = xen_changeset;

    /* Only an address that is kept in a register is made this way; a call reaches 128 MiB. */
    asm ( "" : "+r" (far) );
    return far();
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
