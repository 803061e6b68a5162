/* Boot. Everything here is in .init and gone afterwards. */
#include "xen.h"

void kernel_init(void);
void initialize_keytable(void);
void livepatch_init(void);
void idle_init(void);

static void (*initcalls[])(void) __initdata = {
    initialize_keytable,
    kernel_init,
    livepatch_init,
    idle_init,
};

void __init __start_xen(void)
{
    unsigned int i;

    printk("Xen version %u.%u%s (%s)\n", xen_major_version(), xen_minor_version(), xen_extra_version(),
           xen_changeset());
    for ( i = 0; i < ARRAY_SIZE(initcalls); i++ )
        initcalls[i]();
    startup_cpu_idle_loop();
}
