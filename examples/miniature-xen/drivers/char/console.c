/* The console ring. It keeps formats unexpanded: enough for payloads to link against printk(). */
#include "xen.h"

#define CONRING_SIZE 16384

static char conring[CONRING_SIZE];
static unsigned int conringp;

/* 0 silences the console. Initialised, so that the image has a .data section with something in it. */
unsigned int console_loglvl = 2;

void noinline printk(const char *fmt, ...)
{
    if ( !console_loglvl )
        return;
    for ( ; *fmt; fmt++ )
        conring[conringp++ & (CONRING_SIZE - 1)] = *fmt;
}
