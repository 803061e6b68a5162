/* The idle loop: where CPUs wait, and where live patches are applied. */
#include "xen.h"

static u64 idle_count;

static void cf_check default_idle(void)
{
    asm volatile ( "sti; hlt" ::: "memory" );
}

/* The pointer stops changing once booted, so that the call through it can be turned into a direct one. */
static void (*pm_idle)(void) __ro_after_init;

/*
 * An indirect call with an alternative. The replacement is a call to itself (displacement -5): Xen recognises it and
 * puts in a direct call to what the pointer holds (releases 4.13 to 4.20).
 */
static void noinline call_pm_idle(void)
{
    asm volatile ( ALTERNATIVE("call *%c[fn](%%rip)", 0, ".byte 0xe8; .long -5", FEATURE_ALWAYS)
                   :: [fn] "i" (&pm_idle)
                   : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc" );
}

static void noinline __attribute__((noreturn)) idle_loop(void)
{
    for ( ; ; )
    {
        idle_count++;
        call_pm_idle();
        check_for_livepatch_work();
    }
}

void startup_cpu_idle_loop(void)
{
    BUG_ON(!pm_idle);
    idle_loop();
}

/* Same name as in common/kernel.c: a payload has to say arch/x86/domain.c#dump_state. */
static void cf_check dump_state(unsigned char key)
{
    printk("'%c' pressed -> idle %lu times\n", key, idle_count);
}

void __init idle_init(void)
{
    pm_idle = default_idle;
    register_keyhandler('i', dump_state, "dump idle counter");
}
