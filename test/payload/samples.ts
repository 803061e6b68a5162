import { assemble, compileC, link } from '../support/gcc.ts';

/** Payloads built by gcc and ld. */

/** The structures of the live patch ABI, version 2, independent of src/. */
const ABI = `
typedef unsigned char u8; typedef unsigned int u32;
struct expectation { u8 enabled : 1, len : 5, rsv : 2; u8 data[31]; };
struct func {
  const char *name; void *new_addr; void *old_addr; u32 new_size, old_size; u8 version; u8 pad[39];
  struct expectation expect;
};
#define FUNCS __attribute__((section(".livepatch.funcs"), used))
#define HOOK(kind) __attribute__((section(".livepatch.hooks." #kind), used))
`;

const SOURCE = `${ABI}
extern void old_one(void); extern void hypervisor_call(const char *);
extern int weak_one __attribute__((weak));
static int counter = 1;
int zeroed[10];
static void helper(void) { counter++; hypervisor_call("hello"); }
void new_one(void) { helper(); zeroed[0] = counter; }
static const char *new_two(void) { return &weak_one ? "two" : "none"; }
static int check(void *payload) { return payload == 0; }
static void loaded(void) { counter = 7; }
FUNCS struct func functions[] = {
  { .name = "old_one", .new_addr = new_one, .old_addr = old_one, .new_size = 40, .old_size = 24, .version = 2,
    .expect = { .enabled = 1, .len = 8, .data = { 1, 2, 3, 4, 5, 6, 7, 8 } } },
  { .name = "arch/x86/setup.c#old_two", .new_addr = (void *)new_two, .new_size = 16, .old_size = 32, .version = 2 },
  { .old_addr = (void *)ADDRESS, .new_size = 5, .old_size = 9, .version = 2, .pad = { 9, [38] = 8 } },
};
HOOK(load) void (*const load_hooks[])(void) = { loaded, helper };
HOOK(preapply) int (*const preapply_hook)(void *) = check;
__attribute__((section(".modinfo"), used)) const char modinfo[] = "author=me\\0XSA-1";
`;

const NOTES = `
        .section .livepatch.depends,"a",@note
        .long 4, 20, 3
        .asciz "GNU"
        .fill 5, 4, 0x04030201
        .section .livepatch.xen_depends,"a",@note
        .long 4, 4, 3
        .asciz "GNU"
        .long 0x44332211
`;

export const funcsObject64 = (): Uint8Array => compileC(SOURCE, ['-O1', '-fno-pic', '-DADDRESS=0xffff82d040234b20UL']);
export const funcsObject32 = (): Uint8Array => compileC(SOURCE, ['-O1', '-fno-pic', '-m32', '-DADDRESS=0x234b20UL']);

/** A payload as a user links it: objects joined, with a build-id. */
export const payload64 = (): Uint8Array =>
  link([funcsObject64(), assemble(NOTES), assemble(TABLES)], ['-r', '--build-id=sha1']);

/** Version 1: without the expectation. */
export const version1 = (): Uint8Array =>
  compileC(
    `typedef unsigned char u8; typedef unsigned int u32;
     struct func { const char *name; void *new_addr, *old_addr; u32 new_size, old_size; u8 version; u8 opaque[31]; };
     static void fresh(void) {}
     __attribute__((section(".livepatch.funcs"), used)) struct func functions[] = {
       { "a", fresh, 0, 1, 2, 1, { [30] = 3 } }, { "b", fresh, 0, 3, 4, 1 } };`,
    ['-O1', '-fno-pic'],
  );

/**
 * Alternatives, alternative calls, bug frames and an exception table with the directives of Xen's own macros. The line numbers
 * are 1234, 127, 16383; the second frame's text is behind the first, so that both halves of a word are at work.
 */
export const TABLES = `
        .text
        .globl patched
        .type patched,@function
patched:
        .skip 16, 0x90
.Lorig: nop; nop; nop; nop; nop; nop
.Lbug:  ud2
.Lwarn: ud2
.Lassert: ud2
.Lfault: mov (%rax), %rax
.Lfixed: ret
.Lcall: call *pointer(%rip)
.Ljump: call *pointer(%rip)
        .size patched, . - patched

        .section .altinstr_replacement,"ax",@progbits
.Lrepl: lfence
.Lreplend:
.Lself: call .Lself
.Lother: call . + 100

        .section .altinstructions,"a",@progbits
        .long .Lorig - .
        .long .Lrepl - .
        .word 93
        .byte 4, 3, 2, 0
        .long .Lcall - .
        .long .Lself - .
        .word 93
        .byte 6, 5, 0, 0
        .long .Lcall - .
        .long .Lother - .
        .word 0x8000 + 21
        .byte 6, 5, 0, 1

        .section .alt_call_sites,"a",@progbits
        .long .Lcall - .
        .long .Ljump - .

        .section .rodata.str1.1,"aMS",@progbits,1
.Lfile: .asciz "arch/x86/patched.c"
.Lmessage: .asciz "x == y"

        .section .bug_frames.2,"a",@progbits
.Lf1:   .long (.Lbug - .Lf1) + ((1234 >> 7) << 24)
        .long (.Lfile - .Lf1) + ((1234 & 127) << 24)
        .section .bug_frames.1,"a",@progbits
.Lf2:   .long (.Lwarn - .Lf2) + ((127 >> 7) << 24)
        .long (.Lfile - .Lf2) + ((127 & 127) << 24)
.Lf3:   .long (.Lwarn - .Lf3) + ((16383 >> 7) << 24)
        .long (.Lfile - .Lf3) + ((16383 & 127) << 24)
        .section .bug_frames.3,"a",@progbits
.Lf4:   .long (.Lassert - .Lf4) + ((300 >> 7) << 24)
        .long (.Lfile - .Lf4) + ((300 & 127) << 24)
        .long 0, .Lmessage - .Lf4

        .section .ex_table,"a",@progbits
        .long .Lfault - ., .Lfixed - .

        .data
        .globl pointer
pointer: .quad 0
`;
