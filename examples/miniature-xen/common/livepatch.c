/*
 * Where a trace of a live patch points: the functions by which Xen applies and reverts a payload, with the names and the
 * nesting that they have there. What Xen remembers about a function is in an array of its own, beside the payload.
 */
#include "xen.h"

struct payload {
    const struct livepatch_func *const *funcs;
    struct livepatch_fstate *fstate;
    unsigned int nfuncs;
    const char *name;
};

enum { WORK_NONE, WORK_APPLY, WORK_REVERT };

static struct {
    struct payload *data;
    unsigned int cmd;
    int rc;
} livepatch_work;

static noinline int apply_payload(struct payload *data)
{
    unsigned int i;
    int rc;

    printk("livepatch: %s: Applying %u functions\n", data->name, data->nfuncs);

    rc = arch_livepatch_quiesce();
    if ( rc )
        return rc;

    for ( i = 0; i < data->nfuncs; i++ )
    {
        arch_livepatch_apply(data->funcs[i], &data->fstate[i]);
        data->fstate[i].applied = 1;
    }

    arch_livepatch_revive();
    return 0;
}

static noinline int revert_payload(struct payload *data)
{
    unsigned int i;
    int rc;

    printk("livepatch: %s: Reverting\n", data->name);

    rc = arch_livepatch_quiesce();
    if ( rc )
        return rc;

    for ( i = 0; i < data->nfuncs; i++ )
    {
        arch_livepatch_revert(data->funcs[i], &data->fstate[i]);
        data->fstate[i].applied = 0;
    }

    arch_livepatch_revive();
    return 0;
}

void check_for_livepatch_work(void)
{
    switch ( livepatch_work.cmd )
    {
    case WORK_NONE:
        return;

    case WORK_APPLY:
        livepatch_work.rc = apply_payload(livepatch_work.data);
        break;

    case WORK_REVERT:
        livepatch_work.rc = revert_payload(livepatch_work.data);
        break;
    }
    livepatch_work.cmd = WORK_NONE;
}

static void cf_check livepatch_printall(unsigned char key)
{
    printk("'%c' pressed - Dumping all livepatch patches\n", key);
    if ( livepatch_work.data )
        printk(" name=%s\n", livepatch_work.data->name);
}

void __init livepatch_init(void)
{
    register_keyhandler('x', livepatch_printall, "print livepatch info");
}
