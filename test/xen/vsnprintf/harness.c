/*
 * Runs Xen's vsnprintf, compiled for user space, on calls from standard input. record.ts builds it.
 *
 * Input: the arena as ARENA_SIZE bytes; then records of u32 size, u32 length of the format, u32 number of arguments,
 * the format, and the arguments as u64. Output per record: i32 result, u32 length of the buffer's text, that text.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA ((void *)0x10000000UL)
#define ARENA_SIZE 0x4000
#define SYMBOLS 0x20000000UL
#define SYMBOLS_SIZE 0x10000

int xen_vsnprintf(char *buf, size_t size, const char *fmt, va_list args);

/* What `%ps` asks: `buf` is the symbol's name in the hypervisor, and its payload's name otherwise. */
const char *symbols_lookup(unsigned long addr, unsigned long *size, unsigned long *offset, char *buf)
{
    static char name[128];
    unsigned long from = addr - SYMBOLS, number = from >> 8;

    if (from >= SYMBOLS_SIZE)
        return NULL;
    *offset = from & 0xff;
    *size = number * 16;
    sprintf(name, "symbol_%lu", number);
    if (number % 4 == 0) {
        sprintf(buf, "payload%lu", number);
        return name;
    }
    return strcpy(buf, name);
}

static int get(void *to, size_t size)
{
    return fread(to, 1, size, stdin) == size;
}

int main(void)
{
    unsigned int head[3];
    static char format[1024], buffer[4096];
    static unsigned long words[64];

    if (mmap(ARENA, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != ARENA ||
        !get(ARENA, ARENA_SIZE))
        return 1;

    while (get(head, sizeof(head))) {
        int result;
        unsigned int used;
        va_list args;
        /* A va_list of x86-64 whose registers are used up: everything comes from `words`. */
        struct { unsigned int gp, fp; void *overflow, *saved; } raw = { 48, 304, words, NULL };

        if (head[1] >= sizeof(format) || head[2] > 64 || head[0] > sizeof(buffer) ||
            !get(format, head[1]) || !get(words, head[2] * 8))
            return 1;
        format[head[1]] = '\0';
        memset(words + head[2], 0, sizeof(words) - head[2] * 8);
        memset(buffer, 0, sizeof(buffer));
        memcpy(args, &raw, sizeof(raw));
        result = xen_vsnprintf(buffer, head[0], format, args);
        /* A NUL from %c is text. */
        used = head[0] == 0 ? 0 : (unsigned int)result < head[0] ? (unsigned int)result : head[0] - 1;
        fwrite(&result, 4, 1, stdout);
        fwrite(&used, 4, 1, stdout);
        fwrite(buffer, 1, used, stdout);
    }
    return 0;
}
