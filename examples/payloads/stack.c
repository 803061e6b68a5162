/*
 * A second payload on top of hello: .livepatch.depends holds hello's build-id, so it can only be applied while hello is
 * the last one applied, and hello cannot be reverted before it.
 *
 * The function is named by its symbol this time: the relocation of old_addr is resolved when the payload is loaded.
 */
#include "livepatch.h"

extern const char *xen_extra_version(void);

static const char *stack_extra_version(void)
{
    return "-hello-stacked";
}

LIVEPATCH_FUNCS(stack_funcs) = {
    {
        .name = "xen_extra_version",
        .new_addr = stack_extra_version,
        .old_addr = xen_extra_version,
        .new_size = NEW_SIZE(stack_extra_version),
        .old_size = OLD_SIZE_xen_extra_version,
        .version = LIVEPATCH_PAYLOAD_VERSION,
    },
};
