/*
 * Built without -mlong-calls: calls are branches, and Xen clears the lowest bit of their distance. Of the two calls, three
 * instructions apart, one is at an odd number of instructions from printk(). It goes one instruction too low: to the
 * return of the function before it, and its line is lost. Xen says nothing, and takes the payload. To see it:
 * xsplice rehearse --json --example arm32/odd-branch --call 'xen_extra_version()'
 */
#include "livepatch.h"

static const char *odd_branch_extra_version(void)
{
    printk("odd-branch: one call\n");
    printk("odd-branch: another\n");
    return "-odd";
}

LIVEPATCH_FUNCS(odd_branch_funcs) = {
    {
        .name = "xen_extra_version",
        .new_addr = odd_branch_extra_version,
        .new_size = NEW_SIZE(odd_branch_extra_version),
        .old_size = OLD_SIZE_xen_extra_version,
        .version = LIVEPATCH_PAYLOAD_VERSION,
    },
};
