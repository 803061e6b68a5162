import { assemble, compileC, link } from '../support/gcc.ts';

/** Files of every kind that this room reads, built with the machine's own tools. */

const SOURCE = `
extern int shared(int);
extern const char *const names[];
static int counter;
int values[4] = { 1, 2, 3 };
const char text[] = "text";
static const char *table[] = { "one", "two", text };
__attribute__((weak)) void maybe(void);
__attribute__((visibility("hidden"))) int hidden;
static __attribute__((noinline)) int helper(int x) { return shared(x) + counter++; }
int entry(int x) { if (maybe) maybe(); hidden = x; return helper(x) + values[x & 3] + *table[x & 1] + *names[0]; }
__attribute__((section(".text.other"))) int other(void) { return entry(1); }
`;

const OTHER = `
static int helper(int x) { return x * 3; }
int shared(int x) { return helper(x); }
const char *const names[] = { "a" };
`;

export const object64 = (): Uint8Array => compileC(SOURCE, ['-O1', '-fno-pic']);
export const object32 = (): Uint8Array => compileC(SOURCE, ['-O1', '-fno-pic', '-m32']);
export const sections64 = (): Uint8Array =>
  compileC(SOURCE, ['-O2', '-ffunction-sections', '-fdata-sections', '-fpic']);
const other64 = (): Uint8Array => compileC(OTHER, ['-O0', '-fno-pic']);
export const joined64 = (): Uint8Array => link([object64(), other64()], ['-r', '--build-id=sha1']);
export const executable64 = (): Uint8Array =>
  link([object64(), other64()], ['-static', '-e', 'entry', '--build-id=sha1', '--unresolved-symbols=ignore-all']);

/** Groups, merged strings, TLS, NOBITS, absolute and common symbols, a note. */
export const assembly = (flags: readonly string[] = []): Uint8Array =>
  assemble(
    `
        .file "special.s"
        .section .text.one,"axG",@progbits,signature,comdat
        .globl signature
signature: nop
        .section .data.one,"awG",@progbits,signature,comdat
        .long signature
        .section .rodata.str,"aMS",@progbits,1
local:  .string "hello"
        .section .tdata,"awT",@progbits
        .globl thread
        .type thread,@object
thread: .long 7
        .section .note.mine,"a",@note
        .long 5, 3, 17
        .asciz "Mine"
        .balign 4
        .byte 1, 2, 3
        .balign 4
        .bss
        .balign 64
        .skip 300
        .comm shared,16,8
        .globl absolute
        .set absolute, 0x1234
        .weak nowhere
        .text
        .globl start
        .type start,@function
start:  call nowhere
        .long local - .
        .size start, . - start
`,
    flags,
  );

export const SAMPLES: readonly (readonly [name: string, make: () => Uint8Array])[] = [
  ['a 64-bit object', object64],
  ['a 32-bit object', object32],
  ['an object with many sections', sections64],
  ['objects joined by ld -r', joined64],
  ['an executable', executable64],
  ['64-bit assembly with groups', () => assembly()],
  ['32-bit assembly with groups', () => assembly(['--32'])],
];
