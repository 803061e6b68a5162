/* The version hypercall: what a guest sees of xen_extra_version() and its neighbours. */
#include "xen.h"

static unsigned int nag_count;

/* For the NOP payload: something that happens on every call and that nobody wants. */
void noinline nag_administrator(void)
{
    nag_count++;
}

static long copy_string(char *to, const char *from, size_t size)
{
    size_t i = 0;

    for ( ; i + 1 < size && from[i]; i++ )
        to[i] = from[i];
    to[i] = '\0';
    return 0;
}

long do_xen_version(int cmd, void *arg)
{
    const void *id;
    unsigned int len;

    nag_administrator();

    switch ( cmd )
    {
    case 0: /* XENVER_version */
        return (xen_major_version() << 16) | xen_minor_version();

    case 1: /* XENVER_extraversion */
        return copy_string(arg, xen_extra_version(), 16);

    case 4: /* XENVER_changeset */
        return copy_string(arg, xen_changeset(), 64);

    case 10: /* XENVER_build_id */
        if ( xen_build_id(&id, &len) )
            return -61; /* ENODATA */
        memcpy(arg, id, len);
        return len;
    }

    return -38; /* ENOSYS */
}

/* Same name as in the architecture's domain.c: a payload has to say common/kernel.c#dump_state. */
static void cf_check dump_state(unsigned char key)
{
    printk("'%c' pressed -> administrator nagged %u times\n", key, nag_count);
}

void __init kernel_init(void)
{
    register_keyhandler('n', dump_state, "dump nag counter");
}
