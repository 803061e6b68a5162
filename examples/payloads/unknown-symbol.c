/* Calls a function that neither the hypervisor nor any loaded payload has. */
#include "livepatch.h"

extern const char *no_such_function(void);

static const char *unknown_symbol_extra_version(void)
{
    return no_such_function();
}

LIVEPATCH_FUNCS(unknown_symbol_funcs) = {
    {
        .name = "xen_extra_version",
        .new_addr = unknown_symbol_extra_version,
        .new_size = NEW_SIZE(unknown_symbol_extra_version),
        .old_size = OLD_SIZE_xen_extra_version,
        .version = LIVEPATCH_PAYLOAD_VERSION,
    },
};
