/* Built with -fcommon: the variable is left to the linker, and `ld -r` leaves it to the loader, which has no place. */
#include "livepatch.h"

unsigned int common_symbol_calls;

static const char *common_symbol_extra_version(void)
{
    common_symbol_calls++;
    return "-common";
}

LIVEPATCH_FUNCS(common_symbol_funcs) = {
    {
        .name = "xen_extra_version",
        .new_addr = common_symbol_extra_version,
        .new_size = NEW_SIZE(common_symbol_extra_version),
        .old_size = OLD_SIZE_xen_extra_version,
        .version = LIVEPATCH_PAYLOAD_VERSION,
    },
};
