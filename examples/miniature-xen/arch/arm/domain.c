/* The idle loop: where CPUs wait, and where live patches are applied. */
#include "xen.h"

static unsigned long idle_count;

static void default_idle(void)
{
    WAIT();
}

/* The pointer stops changing once booted. */
static void (*pm_idle)(void) __ro_after_init;

/* A barrier for the branch predictor, where the CPU's is hardened by one. */
static inline void harden_branch_predictor(void)
{
    asm volatile ( ALTERNATIVE("nop", "isb", ARM_HARDEN_BRANCH_PREDICTOR) ::: "memory" );
}

/* Where there are live patches the replacement always wins. */
unsigned int cpu_has_livepatch(void)
{
    unsigned int yes;

    asm ( ALTERNATIVE("and %[yes], %[no], #1", "add %[yes], %[no], #1", ARM_LIVEPATCH)
          : [yes] "=r" (yes) : [no] "r" (0) );
    return yes;
}

static void noinline __attribute__((noreturn)) idle_loop(void)
{
    for ( ; ; )
    {
        idle_count++;
        harden_branch_predictor();
        pm_idle();
        check_for_livepatch_work();
    }
}

void startup_cpu_idle_loop(void)
{
    BUG_ON(!pm_idle);
    idle_loop();
}

/* Same name as in common/kernel.c: a payload has to say arch/arm/domain.c#dump_state. */
static void dump_state(unsigned char key)
{
    printk("'%c' pressed -> idle %lu times\n", key, idle_count);
}

void __init idle_init(void)
{
    pm_idle = default_idle;
    register_keyhandler('i', dump_state, "dump idle counter");
}
