/*
 * A function replaced, and around it whatever a payload may bring along: an alternative, an exception table, a trap, load
 * and unload hooks that count, metadata. Its .data and .bss mean that it is applied once only.
 */
#include "livepatch.h"

static const char hello_metadata[] __attribute__((section(".modinfo"), used)) = "name=hello\0author=nobody";

/* Reads a byte; -EFAULT where nothing is mapped, or where the address cannot be one. */
static long hello_read(const u8 *address)
{
    long result;

    asm volatile ( "1: movzbl (%[address]), %k[result]\n"
                   "2:\n\t"
                   ".subsection 1\n"
                   "3: mov %[fault], %[result]\n\t"
                   "jmp 2b\n\t"
                   ".subsection 0\n\t"
                   ".pushsection .ex_table, \"a\", @progbits\n\t"
                   ".p2align 2\n\t"
                   ".long 1b - ., 3b - .\n\t"
                   ".popsection"
                   : [result] "=&r" (result) : [address] "r" (address), [fault] "i" (-XEN_EFAULT) );
    return result;
}

static const char *hello_extra_version(void)
{
    /* Feature 93, long mode, is always there: what is between 1 and 2 becomes another NOP. */
    asm volatile ( "1: .byte 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00\n"
                   "2: .pushsection .altinstr_replacement, \"ax\", @progbits\n"
                   "3: nop\n"
                   "4: .popsection\n\t"
                   ".pushsection .altinstructions, \"a\", @progbits\n\t"
                   ".long 1b - ., 3b - .\n\t"
                   ".word 93\n\t"
                   ".byte 2b - 1b, 4b - 3b, 0, 0\n\t"
                   ".popsection" );
    BUG_ON(hello_read((const u8 *)0xdead000000000000UL) != -XEN_EFAULT);
    return "-hello";
}

LIVEPATCH_FUNCS(hello_funcs) = {
    { .name = "xen_extra_version", .new_addr = hello_extra_version, .version = 2 },
};

static unsigned int hello_count;
static const char *hello_who = "hello";

static void HOOK hello_first(void)
{
    printk(LEVEL_DEBUG "%s: first load hook\n", hello_who);
}

static void HOOK hello_counts(void)
{
    printk(LEVEL_DEBUG "%s: counted %u\n", hello_who, ++hello_count);
}

static void HOOK hello_checks(void)
{
    hello_who = "bye";
    printk(LEVEL_DEBUG "%s: the count is %u\n", hello_who, hello_count);
    BUG_ON(hello_count == 0 || hello_count > 2);
}

LOAD_HOOKS(hello_load, hello_first, hello_counts);
UNLOAD_HOOKS(hello_unload, hello_counts, hello_checks);
