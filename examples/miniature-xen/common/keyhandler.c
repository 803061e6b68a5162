/* Console keys. The handlers are called through pointers: on x86-64 each of them starts with ENDBR64. */
#include "xen.h"

static struct keyhandler key_table[128] __read_mostly;

static void cf_check show_handlers(unsigned char key)
{
    unsigned int i;

    printk("'%c' pressed -> showing installed handlers\n", key);
    for ( i = 0; i < ARRAY_SIZE(key_table); i++ )
        if ( key_table[i].fn )
            printk(" key '%c' => %s\n", i, key_table[i].desc);
}

void register_keyhandler(unsigned char key, void (*fn)(unsigned char key), const char *desc)
{
    BUG_ON(key >= ARRAY_SIZE(key_table));
    WARN_ON(key_table[key].fn != NULL);
    key_table[key].fn = fn;
    key_table[key].desc = desc;
}

void handle_keypress(unsigned char key)
{
    if ( key < ARRAY_SIZE(key_table) && key_table[key].fn )
        key_table[key].fn(key);
}

void __init initialize_keytable(void)
{
    register_keyhandler('h', show_handlers, "show this message");
}
