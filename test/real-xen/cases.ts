/*
 * What is recorded on the real hypervisor. Data only: record.ts runs it, the simulator's tests replay it.
 *
 * A malformed payload is a good one with one changed field, so that the answer can only come from that field.
 * Functions that get broken on purpose replace xen_changeset: nothing but an explicit version call runs it,
 * while xen_extra_version is called by the crash printer itself (a crash in it never stops printing).
 */
import type { Edit, FuncSpec, PayloadSpec } from './payloads.ts';

/** A raw livepatch sysctl; what is left out is well-formed. */
export interface RawOp {
  /** 0 upload, 1 get, 2 list, 3 action. */
  sub: number;
  opPad?: number;
  interfaceVersion?: number;
  /** Contents of the name buffer (latin1), size field (default: length + 1 for the NUL), pads, pointer instead of the buffer's. */
  name?: string;
  nameSize?: number;
  namePad?: [number, number, number];
  namePointer?: string;
  payload?: string;
  uploadSize?: number;
  payloadPointer?: string;
  action?: number;
  timeout?: number;
  flags?: number;
  actionPad?: number;
  list?: ListArgs;
}
export interface ListArgs {
  idx: number;
  nr: number;
  pad?: number;
  /** Hex pointers instead of the buffers'. */
  pointers?: { status?: string; name?: string; len?: string; metadata?: string; metadataLen?: string };
}

export type Step =
  | { upload: string; as?: string }
  | { apply: string; flags?: number; timeout?: number }
  | { revert: string }
  | { replace: string; flags?: number }
  | { unload: string }
  | { get: string }
  | { list: ListArgs }
  | { dump: string } // console keys
  | { extra: true } // /sys/hypervisor/version/extra
  | { version: number } // xen_version hypercall: 1 extra version, 4 changeset; runs the function of that name
  | { raw: RawOp };

export interface Case {
  name: string;
  payloads?: { [key: string]: PayloadSpec };
  steps: Step[];
  /** Other than the default machine. */
  cpu?: string;
  smp?: number;
  /** The panic screen is also kept as a file of this name. */
  panic?: string;
  /** Don't press x after every step (where that would itself be the crash). */
  noDump?: boolean;
  /** Hypervisor symbols whose live bytes are read after every step, besides those of the dump's functions. */
  watch?: string[];
}

export const cases: Case[] = [];
const add = (name: string, payloads: { [key: string]: PayloadSpec }, steps: Step[], more: Partial<Case> = {}): void => {
  if (cases.some((c) => c.name === name)) throw new Error(`two cases named ${name}`);
  cases.push({ name, payloads, steps, ...more });
};
/** A payload that is only uploaded; the normal outcome is a refusal. */
const upload = (name: string, spec: PayloadSpec, more: Partial<Case> = {}): void => add(name, { p: spec }, [{ upload: 'p' }], more);
const edited = (name: string, edits: Edit[], base: PayloadSpec = {}, more: Partial<Case> = {}): void => upload(name, { ...base, edits: [...(base.edits ?? []), ...edits] }, more);
const cycle = (p = 'p'): Step[] => [{ upload: p }, { apply: p }, { revert: p }, { unload: p }];

const XC = 'xen_changeset';
const ENDBR = 'common/livepatch.c#livepatch_printall';
/** A function of some hundred bytes that nothing runs here (there are no HVM guests). */
const BIG = 'hvm_hap_nested_page_fault';
const EXTRA_VERSION = 1;
const CHANGESET = 4;

// ---------------------------------------------------------------------------------- good cycles
add('good-cycle', { good: {} }, [
  { upload: 'good' }, { get: 'good' }, { list: { idx: 0, nr: 0 } }, { list: { idx: 0, nr: 8 } }, { version: EXTRA_VERSION },
  { apply: 'good' }, { version: EXTRA_VERSION }, { extra: true }, { dump: 'x' }, { list: { idx: 0, nr: 8 } },
  { revert: 'good' }, { version: EXTRA_VERSION }, { apply: 'good' }, { revert: 'good' }, { unload: 'good' }, { get: 'good' }, { list: { idx: 0, nr: 0 } },
]);
for (const cpu of ['qemu64', 'Skylake-Client,-smap']) add(`good-cycle-${cpu.replace(/,.*/, '').toLowerCase()}`, { good: {} }, [...cycle('good')], { cpu });
add('good-cycle-smp2', { good: {} }, [...cycle('good'), { upload: 'good' }, { apply: 'good' }, { version: EXTRA_VERSION }, { revert: 'good' }], { smp: 2 });
add('smp2-timeout-1ns', { good: {} }, [{ upload: 'good' }, { apply: 'good', timeout: 1 }, { get: 'good' }, { apply: 'good' }, { raw: { sub: 3, name: 'good', action: 2, timeout: 1 } }, { get: 'good' }, { revert: 'good' }], { smp: 2 });
add('smp1-timeout-1ns', { good: {} }, [{ upload: 'good' }, { apply: 'good', timeout: 1 }, { raw: { sub: 3, name: 'good', action: 2, timeout: 1 } }, { get: 'good' }]);
add('funcs-writable', { good: { funcsFlags: 'aw' } }, [{ upload: 'good' }, { apply: 'good' }, { revert: 'good' }, { apply: 'good' }, { revert: 'good' }, { unload: 'good' }]);
add('wrong-state-raw', { good: {} }, [
  { revert: 'good' }, { apply: 'good' }, { unload: 'good' }, { replace: 'good' }, { get: 'good' },
  { upload: 'good' }, { revert: 'good' }, { raw: { sub: 3, name: 'good', action: 0 } }, { raw: { sub: 3, name: 'good', action: 5 } }, { raw: { sub: 3, name: 'good', action: 0xffffffff } },
  { raw: { sub: 3, name: 'nosuch', action: 9 } }, { apply: 'good' }, { apply: 'good' }, { replace: 'good' }, { unload: 'good' }, { upload: 'good' }, { revert: 'good' }, { revert: 'good' }, { unload: 'good' }, { unload: 'good' },
]);
const COUNTER = `.data\n.balign 8\nlp_counter: .quad 7\n`;
add('data-reapply', { p: { asm: COUNTER }, q: { symbol: 'other_fn', asm: '.bss\n.balign 8\nlp_bss: .zero 64\n' } }, [
  ...cycle(), { upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { apply: 'p' }, { get: 'p' }, { replace: 'p' }, { revert: 'p' }, { unload: 'p' },
  { upload: 'q' }, { apply: 'q' }, { revert: 'q' }, { apply: 'q' },
]);
add('data-empty-reapply', { p: { asm: '.section .data.empty,"aw",@progbits\n' } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { apply: 'p' }]);
add('funcs-writable-and-data-reapply', { p: { funcsFlags: 'aw', asm: COUNTER } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { apply: 'p' }]);
add('hooks-writable-reapply', { p: { hooks: { load: ['lp_hook'] }, hookFlags: 'aw', asm: '.text\nlp_hook: ret\n' } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { apply: 'p' }]);
add('hooks-readonly-reapply', { p: { hooks: { load: ['lp_hook'] }, asm: '.text\nlp_hook: ret\n' } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { apply: 'p' }]);
add('old-by-relocation', { p: { funcs: [{ old: 'xen_extra_version' }] } }, [...cycle()]);
add('old-by-relocation-name-null', { p: { funcs: [{ old: 'xen_extra_version', name: null, oldSize: { sizeof: 'xen_extra_version' } }] } }, [...cycle()]);
add('overriding-symbol-name', { p: { symbol: 'xen_extra_version' } }, [{ upload: 'p' }, { apply: 'p' }, { version: EXTRA_VERSION }, { revert: 'p' }]);
const five: FuncSpec[] = ['xen_compile_date', 'xen_compile_time', 'xen_compile_system_maintainer_local', 'xen_compile_system_distribution', XC].map((name) => ({ name }));
add('five-functions', { p: { funcs: five } }, [...cycle(), { upload: 'p' }]);
add('overlapping-functions', { p: { funcs: [{ name: XC }, { name: XC, new: 'lp_second' }], asm: '.text\n.balign 16\nlp_second: xorl %eax,%eax\nret\n' } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { apply: 'p' }, { revert: 'p' }]);
add('seventy-functions', { p: { funcs: Array.from({ length: 70 }, (_, i) => ({ name: XC, new: null, newSize: (i % 12) + 1 })) } }, [{ upload: 'p' }, { dump: 'x' }]);
add('pad-bytes-nonzero', { p: { funcs: [{ pad: 'ff'.repeat(39) }] } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }]);
add('new-size-zero', { p: { funcs: [{ newSize: 0 }] } }, [...cycle()]);
add('new-inside-hypervisor', { p: { funcs: [{ name: XC, new: 'xen_deny' }] } }, [{ upload: 'p' }, { version: CHANGESET }, { apply: 'p' }, { version: CHANGESET }, { revert: 'p' }, { version: CHANGESET }]);
add('old-in-own-payload', { p: { funcs: [{ name: 'lp_own', old: 'lp_own', oldSize: 16 }], asm: '.text\n.balign 16\nlp_own: movl $1,%eax\nret\n.zero 10\n' } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }]);

// Real compiler output: .livepatch.funcs and hooks are WA there, merged strings, PLT32 calls, .bss, static symbols.
const CBASE = `
typedef unsigned char u8; typedef unsigned int u32;
struct livepatch_func { const char *name; void *new_addr, *old_addr; u32 new_size, old_size; u8 version; u8 pad[39]; u8 expect[32]; };
extern int printk(const char *fmt, ...);
`;
add('compiled', { p: { funcs: [], code: false, c: CBASE + `
static int calls;
static const char *name = "-COMPILED";
const char *lp_compiled(void) { calls++; if (calls == 3) printk("third call\\n"); return name; }
static struct livepatch_func funcs[] __attribute__((section(".livepatch.funcs"), used, aligned(8))) = { { "${XC}", lp_compiled, 0, 8, 12, 2 } };
static void on_load(void) { printk("load hook, calls %d\\n", calls); }
static void on_unload(void) { printk("unload hook, calls %d\\n", calls); }
static void *const hl __attribute__((section(".livepatch.hooks.load"), used)) = on_load;
static void *const hu __attribute__((section(".livepatch.hooks.unload"), used)) = on_unload;
static const char info[] __attribute__((section(".modinfo"), used)) = "author=me\\0desc=compiled payload";
` } }, [{ upload: 'p' }, { apply: 'p' }, { version: CHANGESET }, { version: CHANGESET }, { version: CHANGESET }, { revert: 'p' }, { version: CHANGESET }, { apply: 'p' }, { unload: 'p' }]);
add('compiled-two-structs-padding', { p: { funcs: [], code: false, c: CBASE + `
const char *lp_a(void) { return "a"; } const char *lp_b(void) { return "b"; }
static struct livepatch_func fa __attribute__((section(".livepatch.funcs"), used)) = { "xen_extra_version", lp_a, 0, 8, 12, 2 };
static struct livepatch_func fb __attribute__((section(".livepatch.funcs"), used)) = { "${XC}", lp_b, 0, 8, 12, 2 };
` } }, [{ upload: 'p' }]);

// ---------------------------------------------------------------------------------- .modinfo
const modinfo = (name: string, info: string, more: Partial<Case> = {}): void =>
  add(`modinfo-${name}`, { p: { modinfo: info } }, [{ upload: 'p' }, { list: { idx: 0, nr: 0 } }, { list: { idx: 0, nr: 4 } }, { apply: 'p' }, { revert: 'p' }], more);
modinfo('two-strings', 'author=me\0desc=test payload\0');
modinfo('one-nul', '\0');
modinfo('only-nuls', '\0\0\0');
modinfo('empty-string-inside', 'a=1\0\0b=2\0');
modinfo('unterminated', 'author=me');
modinfo('unprintable', 'a=\x01\xff\x1b[1m\0line1\nline2\0');
modinfo('long', 'x'.repeat(300) + '\0' + 'y=1\0');
upload('modinfo-size-0', { modinfo: 'a=1\0', edits: [{ section: '.modinfo', field: 'size', value: 0 }] }, { panic: 'modinfo-size-0' });

// ---------------------------------------------------------------------------------- NOP patches
const nop = (name: string, size: number): FuncSpec => ({ name, old: name, new: null, newSize: size });
for (const [suffix, cpu] of [['', undefined], ['-skylake', 'Skylake-Client,-smap']] as const) {
  const small = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`n${i + 1}`, { code: false, funcs: [nop(XC, i + 1)] }]));
  add(`nop-1-to-12${suffix}`, small, Object.keys(small).flatMap((k) => cycle(k)), cpu ? { cpu } : {});
  const large = Object.fromEntries(Array.from({ length: 19 }, (_, i) => [`n${i + 13}`, { code: false, funcs: [nop(BIG, i + 13)] }]));
  add(`nop-13-to-31${suffix}`, large, Object.keys(large).flatMap((k) => cycle(k)), cpu ? { cpu } : {});
}
add('nop-size-0', { p: { code: false, funcs: [nop(XC, 0)] } }, [...cycle()]);
upload('nop-size-32', { code: false, funcs: [nop(BIG, 32)] });
upload('nop-larger-than-old', { code: false, funcs: [nop(XC, 13)] });
upload('nop-larger-than-old-and-31', { code: false, funcs: [nop(XC, 32)] });
add('nop-whole-function-runs-on', { p: { code: false, funcs: [nop('xen_extra_version', 12)] } }, [{ upload: 'p' }, { apply: 'p' }, { version: EXTRA_VERSION }, { revert: 'p' }, { version: EXTRA_VERSION }]);
for (const n of [4, 5, 6, 12, 13, 31]) add(`nop-endbr-${n}`, { p: { code: false, funcs: [nop(ENDBR, n)] } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { unload: 'p' }], { noDump: true, watch: [ENDBR] });
for (const n of [0, 1, 3]) add(`nop-endbr-${n}`, { p: { code: false, funcs: [nop(ENDBR, n)] } }, [{ upload: 'p' }, { apply: 'p' }], { panic: `nop-${n}-on-endbr64-function` });

// ---------------------------------------------------------------------------------- ENDBR64
const PRINTALL = `.text\n.balign 16\n.globl lp_printall\nlp_printall: leaq .Lmsg(%rip),%rdi\nxorl %eax,%eax\njmp printk\n.section .rodata.str1.1,"aMS",@progbits,1\n.Lmsg: .asciz "patched key handler\\n"\n`;
for (const n of [4, 5, 8, 9]) add(`endbr-old-size-${n}`, { p: { code: false, asm: PRINTALL, funcs: [{ name: ENDBR, new: 'lp_printall', oldSize: n }] } }, [{ upload: 'p' }, { apply: 'p' }, { dump: 'x' }, { revert: 'p' }, { dump: 'x' }, { unload: 'p' }], { watch: [ENDBR] });
for (const [kind, bytes] of [['endbr', '0xf3,0x0f,0x1e,0xfa'], ['poison', '0x66,0x0f,0x1f,0x01'], ['almost', '0xf3,0x0f,0x1e,0xfb']]) {
  const provider: PayloadSpec = { asm: `.text\n.balign 16\n.globl lp_target\n.type lp_target,@function\nlp_target: .byte ${bytes}\nmovl $1,%eax\nret\n.size lp_target,.-lp_target\n.balign 16\n` };
  for (const n of [8, 9])
    add(`stack-on-payload-function-${kind}-${n}`, { a: provider, b: { depends: '@a', symbol: 'second_fn', funcs: [{ name: 'lp_target', oldSize: n }] } }, [{ upload: 'a' }, { apply: 'a' }, { upload: 'b' }, { apply: 'b' }, { revert: 'b' }, { unload: 'b' }]);
}

// ---------------------------------------------------------------------------------- expectations
const expect = (name: string, f: FuncSpec): void => add(`expect-${name}`, { p: { funcs: [f] } }, [{ upload: 'p' }, { apply: 'p' }, { get: 'p' }, { apply: 'p', flags: 1 }, { revert: 'p' }]);
for (const len of [0, 1, 5, 8, 12]) expect(`ok-${len}`, { expect: { len, data: { of: 'xen_extra_version' } } });
expect('ok-31', { name: BIG, expect: { len: 31, data: { of: BIG } } });
expect('fails', { expect: { len: 8, data: '488d0418ba1600e9' } });
expect('fails-1', { expect: { len: 1, data: '49' } });
expect('fails-31', { name: BIG, expect: { len: 31, data: '00'.repeat(31) } });
expect('fails-name-null', { name: null, old: 'xen_extra_version', oldSize: 12, expect: { len: 3, data: '000000' } });
expect('longer-than-old', { expect: { len: 13, data: { of: 'xen_extra_version' } } });
expect('longer-than-old-name-null', { name: null, old: 'xen_extra_version', oldSize: 12, expect: { len: 13, data: '' } });
for (const rsv of [1, 2, 3]) expect(`rsv-${rsv}`, { expect: { len: 3, rsv, data: { of: 'xen_extra_version' } } });
expect('rsv-and-longer-than-old', { expect: { len: 13, rsv: 1, data: '' } });
expect('disabled-garbage', { expect: { enabled: 0, len: 31, rsv: 3, data: 'ff'.repeat(31) } });
expect('nop-ok', { ...nop(XC, 7), expect: { len: 7, data: { of: XC } } });
expect('endbr-at-old-addr', { name: ENDBR, expect: { len: 4, data: 'f30f1efa' } });
add('expect-second-function-fails', { p: { funcs: [{ expect: { len: 3, data: { of: 'xen_extra_version' } } }, { name: XC, expect: { len: 2, data: '9090' } }] } }, [{ upload: 'p' }, { apply: 'p' }]);
add('expect-sees-trampoline', { a: {}, b: { depends: '@a', symbol: 'second_fn', funcs: [{ expect: { len: 3, data: { of: 'xen_extra_version' } } }] } }, [{ upload: 'a' }, { upload: 'b' }, { apply: 'a' }, { apply: 'b' }, { apply: 'b', flags: 1 }, { revert: 'a' }, { apply: 'b', flags: 1 }, { revert: 'b' }]);

// ---------------------------------------------------------------------------------- stacks, build-ids, replace
const chain = { a: {}, b: { depends: '@a', symbol: 'fn_b', text: '-B' }, c: { depends: '@b', symbol: 'fn_c', text: '-C' } };
add('stack-of-three', chain, [
  { upload: 'a' }, { upload: 'b' }, { upload: 'c' }, { apply: 'b' }, { apply: 'c' }, { apply: 'a' }, { apply: 'c' }, { apply: 'b' }, { version: EXTRA_VERSION }, { apply: 'c' }, { version: EXTRA_VERSION },
  { revert: 'a' }, { revert: 'b' }, { unload: 'a' }, { list: { idx: 0, nr: 8 } }, { revert: 'c' }, { version: EXTRA_VERSION }, { revert: 'a' }, { revert: 'b' }, { revert: 'a' }, { version: EXTRA_VERSION }, { unload: 'b' }, { unload: 'a' }, { unload: 'c' },
]);
add('nodeps', { ...chain, w: { depends: '00'.repeat(20), symbol: 'fn_w' } }, [
  { upload: 'b' }, { apply: 'b' }, { apply: 'b', flags: 1 }, { upload: 'a' }, { apply: 'a' }, { apply: 'a', flags: 0xfffffffe }, { apply: 'a', flags: 0xffffffff }, { upload: 'w' }, { apply: 'w' }, { apply: 'w', flags: 1 },
  { list: { idx: 0, nr: 8 } }, { revert: 'b' }, { revert: 'w' }, { revert: 'a' }, { revert: 'b' },
]);
add('depends-other-length', { p: { depends: '0011223344556677' } }, [{ upload: 'p' }, { apply: 'p' }, { replace: 'p' }]);
add('replace-over-stack', { ...chain, r: { symbol: 'fn_r', text: '-R' } }, [
  { upload: 'a' }, { upload: 'b' }, { upload: 'c' }, { apply: 'a' }, { apply: 'b' }, { apply: 'c' }, { upload: 'r' }, { apply: 'r' }, { replace: 'r' }, { version: EXTRA_VERSION }, { list: { idx: 0, nr: 8 } }, { replace: 'r' }, { revert: 'r' }, { version: EXTRA_VERSION },
]);
add('replace-nothing-applied', { r: {} }, [{ upload: 'r' }, { replace: 'r' }, { revert: 'r' }, { replace: 'r' }, { unload: 'r' }]);
add('replace-depends-not-xen', chain, [{ upload: 'a' }, { upload: 'b' }, { apply: 'a' }, { replace: 'b' }, { replace: 'b', flags: 1 }, { get: 'b' }]);
add('replace-expectation-fails', { a: {}, b: { depends: '@a', symbol: 'fn_b', funcs: [{ name: XC }] }, r: { symbol: 'fn_r', funcs: [{ name: XC, expect: { len: 2, data: '0000' } }] } }, [{ upload: 'a' }, { upload: 'b' }, { upload: 'r' }, { apply: 'a' }, { apply: 'b' }, { replace: 'r' }, { list: { idx: 0, nr: 8 } }]);
add('replace-expectation-of-original', { a: {}, r: { symbol: 'fn_r', funcs: [{ expect: { len: 3, data: { of: 'xen_extra_version' } } }] } }, [{ upload: 'a' }, { upload: 'r' }, { apply: 'a' }, { replace: 'r' }]);
add('replace-dirty-data', { a: { asm: COUNTER }, r: { symbol: 'fn_r' } }, [{ upload: 'a' }, { apply: 'a' }, { upload: 'r' }, { replace: 'r' }, { apply: 'a' }, { replace: 'a' }, { list: { idx: 0, nr: 8 } }]);
const HOOK = (name: string, body: string): string => `.text\n.balign 16\n.type ${name},@function\n${name}:\n${body}\n.size ${name},.-${name}\n`;
const SAY = (name: string, message: string, ret: number | null = null): string =>
  HOOK(name, `subq $8,%rsp\nleaq .L${name}(%rip),%rdi\nxorl %eax,%eax\ncall printk\naddq $8,%rsp\n${ret === null ? '' : `movl $${ret},%eax\n`}ret`) + `.section .rodata.str1.1,"aMS",@progbits,1\n.L${name}: .asciz "${message}\\n"\n`;
for (const kind of ['preapply', 'postapply', 'prerevert', 'postrevert', 'apply', 'revert', 'load', 'unload']) {
  const h: PayloadSpec = { hooks: { [kind]: ['lp_hook'] }, asm: SAY('lp_hook', `${kind} hook`, 0) };
  // An apply hook that does nothing and claims success is a panic of its own; it is recorded below.
  if (kind !== 'apply' && kind !== 'revert') add(`hook-${kind}-ok`, { p: h }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { apply: 'p' }, { revert: 'p' }, { unload: 'p' }]);
  add(`replace-refused-own-${kind}`, { a: {}, r: { ...h, symbol: 'fn_r', ...(kind === 'apply' || kind === 'revert' ? { asm: SET_STATE(kind) } : {}) } }, [{ upload: 'a' }, { apply: 'a' }, { upload: 'r' }, { replace: 'r' }, { get: 'r' }]);
  if (kind.startsWith('p')) add(`replace-refused-applied-${kind}`, { a: h, r: { symbol: 'fn_r' } }, [{ upload: 'a' }, { apply: 'a' }, { upload: 'r' }, { replace: 'r' }, { get: 'r' }, { revert: 'a' }, { replace: 'r' }]);
}
/** An action hook that marks the first function (un)applied without patching: struct payload keeps fstate at 112, `applied` is at 4 in it. */
function SET_STATE(kind: string, ret = 0, value = kind === 'apply' ? 1 : 0): string {
  return `.text\n.balign 16\nlp_hook: movq 112(%rdi),%rax\nmovl $${value},4(%rax)\nmovl $${ret},%eax\nret\n`;
}
add('replace-revert-hook-fails', { a: { hooks: { revert: ['lp_hook'] }, asm: SAY('lp_hook', 'revert hook', -22) }, b: { depends: '@a', symbol: 'fn_b', funcs: [{ name: XC }] }, r: { symbol: 'fn_r', funcs: [{ name: 'xen_compile_date' }] } }, [{ upload: 'a' }, { upload: 'b' }, { upload: 'r' }, { apply: 'a' }, { apply: 'b' }, { replace: 'r' }, { list: { idx: 0, nr: 8 } }]);

// ---------------------------------------------------------------------------------- hooks
add('hooks-all', { p: { hooks: { load: ['h_load', 'h_load2'], unload: ['h_unload'], preapply: ['h_preapply'], postapply: ['h_postapply'], prerevert: ['h_prerevert'], postrevert: ['h_postrevert'] },
  asm: ['load', 'load2', 'unload', 'preapply', 'postapply', 'prerevert', 'postrevert'].map((k) => SAY('h_' + k, `${k} hook`, 0)).join('') } }, [...cycle()]);
add('hooks-only-load', { p: { funcs: [], code: false, hooks: { load: ['h'] }, asm: SAY('h', 'only a load hook') } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { unload: 'p' }]);
for (const r of [-16, -1, 5, -11]) add(`hook-preapply-veto-${r}`, { p: { hooks: { preapply: ['h'], postapply: ['h2'] }, asm: SAY('h', 'preapply', r) + SAY('h2', 'postapply') } }, [{ upload: 'p' }, { apply: 'p' }, { get: 'p' }, { list: { idx: 0, nr: 2 } }, { unload: 'p' }]);
add('hook-prerevert-veto', { p: { hooks: { prerevert: ['h'], postrevert: ['h2'] }, asm: SAY('h', 'prerevert', -1) + SAY('h2', 'postrevert') } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { get: 'p' }, { unload: 'p' }]);
add('hook-apply-sets-state', { p: { hooks: { apply: ['lp_hook'] }, asm: SET_STATE('apply') } }, [{ upload: 'p' }, { apply: 'p' }, { get: 'p' }]);
add('hook-revert-sets-state', { p: { hooks: { revert: ['lp_hook'] }, asm: SET_STATE('revert') } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { get: 'p' }]);
add('hook-apply-fails', { p: { hooks: { apply: ['h'], postapply: ['h2'] }, asm: SAY('h', 'apply hook', -22) + SAY('h2', 'postapply') } }, [{ upload: 'p' }, { apply: 'p' }, { get: 'p' }, { unload: 'p' }]);
add('hook-revert-fails', { p: { hooks: { revert: ['h'], postrevert: ['h2'] }, asm: SAY('h', 'revert hook', -22) + SAY('h2', 'postrevert') } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { get: 'p' }, { unload: 'p' }]);
add('hook-apply-inconsistent', { p: { hooks: { apply: ['h'] }, asm: SAY('h', 'apply hook', 0) } }, [{ upload: 'p' }, { apply: 'p' }], { panic: 'partially-applied' });
add('hook-revert-inconsistent', { p: { hooks: { revert: ['h'] }, asm: SAY('h', 'revert hook', 0) } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }], { panic: 'partially-reverted' });
add('hook-apply-inconsistent-name-null', { p: { hooks: { apply: ['h'] }, funcs: [{ name: null, old: XC, oldSize: 12 }], asm: SAY('h', 'apply hook', 0) } }, [{ upload: 'p' }, { apply: 'p' }]);
add('hook-action-no-functions', { p: { funcs: [], code: false, hooks: { apply: ['h'], revert: ['h2'] }, asm: SAY('h', 'apply hook', 0) + SAY('h2', 'revert hook', 0) } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { apply: 'p' }]);
for (const kind of ['preapply', 'apply', 'postapply', 'prerevert', 'revert', 'postrevert']) {
  add(`hook-${kind}-null`, { p: { hooks: { [kind]: [null] } } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }]);
  upload(`hook-${kind}-two`, { hooks: { [kind]: ['h', 'h'] }, asm: HOOK('h', 'xorl %eax,%eax\nret') });
  upload(`hook-${kind}-size-12`, { hooks: { [kind]: ['h'] }, asm: HOOK('h', 'xorl %eax,%eax\nret') + `.section .livepatch.hooks.${kind}\n.long 0\n` });
  upload(`hook-${kind}-empty`, { hooks: { [kind]: [] } });
  add(`hook-${kind}-not-alloc`, { p: { hooks: { [kind]: ['h'] }, hookFlags: '', asm: SAY('h', 'never called', -22) } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }]);
}
for (const kind of ['load', 'unload']) {
  add(`hook-${kind}-null`, { p: { hooks: { [kind]: [null] } } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }], { panic: `null-${kind}-hook` });
  upload(`hook-${kind}-size-12`, { hooks: { [kind]: ['h'] }, asm: HOOK('h', 'ret') + `.section .livepatch.hooks.${kind}\n.long 0\n` });
  upload(`hook-${kind}-empty`, { hooks: { [kind]: [] } });
  add(`hook-${kind}-not-alloc`, { p: { hooks: { [kind]: ['h'] }, hookFlags: '', asm: SAY('h', 'never called') } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }]);
}
const WRITES = (where: string): PayloadSpec => ({ hooks: { load: ['h'] }, asm: HOOK('h', `leaq ${where}(%rip),%rax\nmovb $0x5a,(%rax)\nret`) + '.section .rodata.lp,"a",@progbits\nlp_const: .long 1,2\n' });
add('hook-load-writes-own-rodata', { p: WRITES('lp_const') }, [{ upload: 'p' }, { apply: 'p' }]);
add('hook-load-writes-xen-rodata', { p: WRITES('_srodata') }, [{ upload: 'p' }, { apply: 'p' }]);
add('hook-preapply-writes-own-rodata', { p: { ...WRITES('lp_const'), hooks: { preapply: ['h'] } } }, [{ upload: 'p' }, { apply: 'p' }], { panic: 'preapply-hook-writes-rodata' });
add('hook-preapply-writes-own-text', { p: { hooks: { preapply: ['h'] }, asm: HOOK('h', 'leaq lp_new_fn(%rip),%rax\nmovb $0x5a,(%rax)\nret') } }, [{ upload: 'p' }, { apply: 'p' }], { panic: 'preapply-hook-writes-text' });

// ---------------------------------------------------------------------------------- names, pads, unknown operations
const NAME = (n: string): Step[] => [{ upload: 'p', as: n }, { get: n }, { list: { idx: 0, nr: 4 } }, { apply: n }, { revert: n }, { unload: n }];
add('name-127', { p: {} }, NAME('n'.repeat(127)));
add('name-empty', { p: {} }, NAME(''));
add('name-unprintable', { p: {} }, NAME('a\x01\x7f\xff\x1b[31m%s%d'));
add('name-newline', { p: {} }, NAME('first\nsecond'));
add('name-failing-newline', { p: { depends: null } }, [{ upload: 'p', as: 'first\nsecond' }, { upload: 'p', as: 'n'.repeat(127) }, { upload: 'p', as: '' }]);
add('name-sizes', { p: {} }, [
  { raw: { sub: 0, payload: 'p', name: 'x', nameSize: 0 } }, { raw: { sub: 0, payload: 'p', name: 'n'.repeat(128), nameSize: 129 } }, { raw: { sub: 0, payload: 'p', name: 'n'.repeat(128), nameSize: 128 } },
  { raw: { sub: 0, payload: 'p', name: 'x', nameSize: 1 } }, { raw: { sub: 0, payload: 'p', name: 'x', nameSize: 0xffff } }, { raw: { sub: 0, payload: 'p', name: 'ab\0cd', nameSize: 6 } }, { list: { idx: 0, nr: 4 } }, { get: 'ab' },
  { raw: { sub: 1, name: 'ab\0xy', nameSize: 6 } }, { raw: { sub: 1, name: 'ab', nameSize: 2 } }, { raw: { sub: 1, name: 'ab', nameSize: 0 } }, { raw: { sub: 1, name: 'ab', nameSize: 129 } },
  { raw: { sub: 3, action: 3, name: 'ab', nameSize: 0 } }, { raw: { sub: 3, action: 3, name: 'ab', nameSize: 2 } }, { raw: { sub: 3, action: 3, name: 'ab\0zz', nameSize: 6 } },
]);
add('pads-and-unknown', { p: {} }, [
  { raw: { sub: 0, payload: 'p', name: 'x', opPad: 1 } }, ...[0, 1, 2].map((i): Step => ({ raw: { sub: 0, payload: 'p', name: 'x', namePad: [0, 0, 0].map((_, k) => +(k === i)) as [number, number, number] } })),
  { raw: { sub: 1, name: 'x', opPad: 0x80000000 } }, { raw: { sub: 1, name: 'x', namePad: [0, 0, 1] } }, { raw: { sub: 2, opPad: 1, list: { idx: 0, nr: 0 } } }, { raw: { sub: 3, opPad: 1, action: 1, name: 'x' } },
  { raw: { sub: 3, action: 1, name: 'x', namePad: [1, 0, 0] } }, { raw: { sub: 3, action: 1, name: 'x', actionPad: 1 } }, { raw: { sub: 3, action: 99, name: '', nameSize: 0, actionPad: 1 } },
  { raw: { sub: 4 } }, { raw: { sub: 0xffffffff } }, { raw: { sub: 4, opPad: 1 } }, { raw: { sub: 1, name: 'x', interfaceVersion: 0x14 } }, { raw: { sub: 1, name: 'x', interfaceVersion: 0x16 } }, { raw: { sub: 1, name: 'x', interfaceVersion: 0 } },
]);
add('upload-sizes', { p: {}, two: { edits: [{ growTo: 0x200000 }] }, over: { edits: [{ growTo: 0x200001 }] } }, [
  { raw: { sub: 0, payload: 'p', name: 'x', uploadSize: 0 } }, { upload: 'over' }, { raw: { sub: 0, payload: 'p', name: 'x', uploadSize: 63 } }, { raw: { sub: 0, payload: 'p', name: 'x', uploadSize: 64 } }, { upload: 'two' }, { apply: 'two' },
]);
const XEN_POINTER = 'ffff82d040200000';
add('bad-pointers', { p: {} }, [
  { raw: { sub: 0, payload: 'p', name: 'x', namePointer: '0' } }, { raw: { sub: 0, payload: 'p', name: 'x', namePointer: XEN_POINTER } }, { raw: { sub: 0, payload: 'p', name: 'x', payloadPointer: '0' } }, { raw: { sub: 0, payload: 'p', name: 'x', payloadPointer: XEN_POINTER } },
  { raw: { sub: 0, payload: 'p', name: 'x', payloadPointer: '8000000000000000' } }, { raw: { sub: 1, name: 'x', namePointer: '0' } }, { raw: { sub: 3, action: 1, name: 'x', namePointer: '0' } }, { raw: { sub: 3, action: 1, name: 'x', namePointer: XEN_POINTER } },
  { upload: 'p' }, { raw: { sub: 0, payload: 'p', name: 'p', payloadPointer: '0' } }, { raw: { sub: 0, payload: 'p', name: 'p', uploadSize: 0x200001 } },
  ...(['status', 'name', 'len', 'metadata', 'metadataLen'] as const).flatMap((k): Step[] => [{ list: { idx: 0, nr: 1, pointers: { [k]: '0' } } }, { list: { idx: 0, nr: 1, pointers: { [k]: XEN_POINTER } } }]),
  { list: { idx: 0, nr: 0, pointers: { status: XEN_POINTER, len: XEN_POINTER, metadataLen: XEN_POINTER } } },
]);

// ---------------------------------------------------------------------------------- LIST
add('list-empty', {}, [{ list: { idx: 0, nr: 0 } }, { list: { idx: 5, nr: 0 } }, { list: { idx: 5, nr: 3 } }, { list: { idx: 0, nr: 1024 } }, { list: { idx: 0, nr: 1025 } }, { list: { idx: 0, nr: 0, pad: 1 } }, { list: { idx: 0, nr: 1025, pad: 1 } }]);
add('list-pages', { a: { modinfo: 'one=1\0' }, b: { symbol: 'fn_b' }, c: { symbol: 'fn_c', modinfo: 'x\0y\0' }, d: { symbol: 'fn_d', modinfo: '\0' } }, [
  { upload: 'a', as: 'first' }, { upload: 'b', as: 'second payload' }, { upload: 'c', as: '3' }, { upload: 'd' },
  { list: { idx: 0, nr: 0 } }, { list: { idx: 3, nr: 0 } }, { list: { idx: 4, nr: 0 } }, { list: { idx: 0, nr: 1 } }, { list: { idx: 0, nr: 2 } }, { list: { idx: 1, nr: 2 } }, { list: { idx: 3, nr: 8 } }, { list: { idx: 0, nr: 1024 } }, { list: { idx: 4, nr: 1 } }, { list: { idx: 0xffffffff, nr: 1 } },
  { list: { idx: 4, nr: 1025 } }, { list: { idx: 4, nr: 1, pad: 7 } }, { unload: 'second payload' }, { list: { idx: 0, nr: 8 } }, { list: { idx: 2, nr: 8 } }, { upload: 'b' }, { list: { idx: 0, nr: 8 } }, { apply: '3' }, { upload: 'b' }, { list: { idx: 0, nr: 8 } }, { dump: 'x' },
]);

// ---------------------------------------------------------------------------------- symbols between payloads and hypervisor
const shared: PayloadSpec = { asm: '.text\n.balign 16\n.globl lp_shared\n.type lp_shared,@function\nlp_shared: leaq .Ls(%rip),%rax\nret\n.section .rodata.str1.1,"aMS",@progbits,1\n.Ls: .asciz "-SHARED"\n' };
const user: PayloadSpec = { code: false, funcs: [{ new: 'lp_user' }], asm: '.text\n.balign 16\n.globl lp_user\nlp_user: jmp lp_shared\n' };
add('link-against-checked', { a: shared, u: user }, [{ upload: 'u' }, { upload: 'a' }, { upload: 'u' }, { apply: 'u' }, { version: EXTRA_VERSION }, { unload: 'a' }, { revert: 'u' }, { unload: 'u' }, { upload: 'u' }]);
add('link-against-overriding', { a: {}, u: { code: false, funcs: [{ new: 'lp_user' }], asm: '.text\nlp_user: jmp lp_new_fn\n' } }, [{ upload: 'a' }, { upload: 'u' }]);
add('link-local-symbol-of-payload', { a: { asm: '.text\nlp_local: ret\n' }, u: { code: false, funcs: [{ new: 'lp_user' }], asm: '.text\nlp_user: jmp lp_local\n' } }, [{ upload: 'a' }, { upload: 'u' }]);
add('old-by-name-in-payload', { a: { asm: '.text\n.balign 16\nlp_local: xorl %eax,%eax\nret\n.zero 8\n' }, b: { symbol: 'fn_b', funcs: [{ name: 'lp_local' }] } }, [{ upload: 'b' }, { upload: 'a' }, { upload: 'b' }, { apply: 'b', flags: 1 }, { revert: 'b' }, { unload: 'b' }]);
add('duplicate-symbol-hypervisor', { p: { asm: '.text\ndo_xen_version: ret\n' } }, [{ upload: 'p' }]);
add('duplicate-symbol-hypervisor-data', { p: { asm: '.section .rodata.lp,"a",@progbits\nboot_cpu_data: .long 0\n' } }, [{ upload: 'p' }]);
add('duplicate-symbol-hypervisor-static', { p: { asm: `.text\n"${ENDBR}": ret\n` }, q: { asm: '.text\nlivepatch_printall: ret\n' } }, [{ upload: 'p' }, { upload: 'q' }]);
add('duplicate-symbol-payload', { a: { asm: '.text\nlp_dup: ret\n' }, b: { symbol: 'fn_b', asm: '.text\nnop\nlp_dup: ret\n' } }, [{ upload: 'a' }, { upload: 'b' }, { unload: 'a' }, { upload: 'b' }, { upload: 'a' }]);
add('duplicate-symbol-inside', { p: { asm: '.text\nlp_one: ret\nlp_two: ret\n', edits: [{ symbol: 'lp_two', field: 'name', value: { old: true, plus: -7 } }] } }, [{ upload: 'p' }]);
add('duplicate-symbol-both-overriding', { a: {}, b: { text: '-B' } }, [{ upload: 'a' }, { upload: 'b' }]);
add('duplicate-local-label-non-merge', { a: { asm: '.section .rodata.lp,"a",@progbits\n.globl .Llabel\n.Llabel: .long 1\n' }, b: { symbol: 'fn_b', asm: '.section .rodata.lp,"a",@progbits\n.globl .Llabel\n.Llabel: .long 2\n' } }, [{ upload: 'a' }, { upload: 'b' }]);
add('duplicate-local-label-merge', { a: { asm: '.section .rodata.str1.1,"aMS",@progbits,1\n.globl .Llabel\n.Llabel: .asciz "1"\n' }, b: { symbol: 'fn_b', asm: '.section .rodata.str1.1,"aMS",@progbits,1\n.globl .Llabel\n.Llabel: .asciz "2"\n' } }, [{ upload: 'a' }, { upload: 'b' }]);
add('symbol-name-long', { a: { asm: `.text\n.globl ${'s'.repeat(126)}\n${'s'.repeat(126)}: ret\n` }, b: { symbol: 'fn_b', asm: `.text\n.globl ${'s'.repeat(140)}\n${'s'.repeat(140)}: ret\n` }, u: { code: false, funcs: [{ new: 'lp_u' }], asm: `.text\nlp_u: jmp ${'s'.repeat(126)}\n` }, v: { code: false, funcs: [{ new: 'lp_v' }], asm: `.text\nlp_v: jmp ${'s'.repeat(140)}\n` } }, [{ upload: 'b' }, { upload: 'a' }, { upload: 'u' }, { upload: 'v' }, { unload: 'b' }, { upload: 'a' }]);
const undef = (name: string, more = ''): PayloadSpec => ({ asm: `.data\n.quad ${name}\n${more}` });
upload('undefined-symbol', undef('no_such_symbol_in_xen'));
upload('undefined-weak', undef('no_such_symbol_in_xen', '.weak no_such_symbol_in_xen\n'));
upload('undefined-static-bare-name', undef('livepatch_printall'));
upload('undefined-static-full-name', undef(`"${ENDBR}"`));
upload('undefined-data-symbol', undef('boot_cpu_data'));
upload('undefined-init-symbol', undef('__start_xen'));
upload('undefined-linker-symbol', undef('__2M_rwdata_end'));
edited('undefined-empty-name', [{ symbol: 'boot_cpu_data', field: 'name', value: 0 }], undef('boot_cpu_data'));
edited('undefined-local-binding', [{ symbol: 'boot_cpu_data', field: 'info', value: 0 }], undef('boot_cpu_data'));
upload('symbol-common', { asm: '.comm lp_common,8,8\n' });
upload('symbol-absolute', { asm: '.globl lp_abs\nlp_abs = 0x1234\n.data\n.quad lp_abs\n' });
for (const shndx of [0xff00, 0xfff3, 0xffff, 1000]) edited(`symbol-shndx-${shndx.toString(16)}`, [{ symbol: 'lp_new_fn', field: 'shndx', value: shndx }]);
edited('symbol-shndx-shnum', [{ symbol: 'lp_new_fn', field: 'shndx', value: { shnum: true } }]);
edited('symbol-name-past-end', [{ symbol: 'lp_new_fn', field: 'name', value: { sectionSize: '.strtab' } }]);
edited('symbol-name-last-byte', [{ symbol: 'lp_new_fn', field: 'name', value: { sectionSize: '.strtab', plus: -1 } }]);
edited('symbol-value-wild', [{ symbol: 'lp_new_fn', field: 'value', value: '0x7fffffffffffffff' }]);

// ---------------------------------------------------------------------------------- build-ids and notes
add('same-build-id', { a: { buildId: '01'.repeat(20) }, b: { symbol: 'fn_b', buildId: '01'.repeat(20) } }, [{ upload: 'a' }, { upload: 'b' }, { unload: 'a' }, { upload: 'b' }]);
add('same-file-other-name', { a: {} }, [{ upload: 'a' }, { upload: 'a', as: 'b' }, { upload: 'a' }]);
upload('build-id-short', { buildId: '0102' });
upload('no-build-id', { buildId: null });
upload('no-depends', { depends: null });
upload('no-xen-depends', { xenDepends: null });
upload('no-depends-at-all', { depends: null, xenDepends: null, buildId: null });
upload('xen-depends-wrong', { xenDepends: '00'.repeat(20) });
upload('xen-depends-wrong-length', { xenDepends: '00'.repeat(16) });
upload('funcs-none', { funcs: [] });
for (const s of ['.note.gnu.build-id', '.livepatch.depends', '.livepatch.xen_depends']) {
  const id = s.replace(/^\.(note\.gnu\.|livepatch\.)/, '');
  edited(`note-${id}-empty`, [{ section: s, field: 'size', value: 0 }]);
  for (const n of [11, 12, 13, 35]) edited(`note-${id}-size-${n}`, [{ section: s, field: 'size', value: n }]);
  edited(`note-${id}-type-4`, [{ bytes: s, at: 8, hex: '04' }]);
  edited(`note-${id}-name-GNX`, [{ bytes: s, at: 12, hex: '474e58' }]);
  edited(`note-${id}-namesz-3`, [{ bytes: s, at: 0, hex: '03' }]);
  edited(`note-${id}-namesz-8`, [{ bytes: s, at: 0, hex: '08' }]);
  edited(`note-${id}-namesz-huge`, [{ bytes: s, at: 0, hex: 'ffffffff' }]);
  edited(`note-${id}-descsz-0`, [{ bytes: s, at: 4, hex: '00' }]);
  edited(`note-${id}-descsz-8`, [{ bytes: s, at: 4, hex: '08' }]);
  edited(`note-${id}-descsz-21`, [{ bytes: s, at: 4, hex: '15' }]);
  edited(`note-${id}-not-alloc`, [{ section: s, field: 'flags', value: 0 }]);
  edited(`note-${id}-not-alloc-size-12`, [{ section: s, field: 'flags', value: 0 }, { section: s, field: 'size', value: 12 }]);
  edited(`note-${id}-nobits`, [{ section: s, field: 'type', value: 8 }]);
}
// The xen id is compared only after the payload's alternatives have been applied.
upload('xen-depends-wrong-and-alternative', { xenDepends: '00'.repeat(20), asm: ALT([{ feature: 93, orig: 'nop\nnop\nnop', repl: 'nop' }]) });

// ---------------------------------------------------------------------------------- struct livepatch_func
for (const version of [0, 1, 3, 255]) upload(`func-version-${version}`, { funcs: [{ version }] });
for (const oldSize of [0, 1, 4]) upload(`func-old-size-${oldSize}`, { funcs: [{ oldSize }] });
add('func-old-size-5', { p: { funcs: [{ oldSize: 5 }] } }, [...cycle()]);
upload('func-second-version-1', { funcs: [{}, { name: XC, version: 1 }] });
upload('func-version-1-and-old-size-0', { funcs: [{ version: 1, oldSize: 0 }] });
upload('func-name-unknown', { funcs: [{ name: 'no_such_function' }] });
upload('func-name-unknown-old-size-0', { funcs: [{ name: 'no_such_function', oldSize: 0 }] });
upload('func-name-empty', { funcs: [{ name: '' }] });
upload('func-name-static-bare', { funcs: [{ name: 'livepatch_printall' }] });
upload('func-name-null', { funcs: [{ name: null, oldSize: 12 }] }, { panic: 'func-name-null' });
upload('func-name-wild', { funcs: [{ name: { hex: '0000000012345678' } }] });
// The name pointer needs a relocation against the hypervisor here, hence assembler.
add('func-name-in-hypervisor', { p: { funcs: [], asm: '.section .livepatch.funcs,"a",@progbits\n.balign 8\n.quad _stext\n.quad lp_new_fn\n.quad 0\n.long 8\n.long 12\n.byte 2\n.zero 39\n.zero 32\n' } }, [{ upload: 'p' }]);
upload('func-size-not-multiple', { asm: '.section .livepatch.funcs\n.quad 0\n' });
edited('func-size-103', [{ section: '.livepatch.funcs', field: 'size', value: 103 }]);
edited('func-size-0', [{ section: '.livepatch.funcs', field: 'size', value: 0 }]);
upload('func-distance-far', { funcs: [{ new: { hex: 'ffff830000000000' } }] });
upload('func-distance-edge-ok', { funcs: [{ new: { addr: 'xen_extra_version', plus: 0x80000000 } }] });
upload('func-distance-edge-far', { funcs: [{ new: { addr: 'xen_extra_version', plus: 0x80000001 } }] });
upload('func-distance-edge-below-ok', { funcs: [{ new: { addr: 'xen_extra_version', plus: -0x7fffffff } }] });
upload('func-distance-edge-below-far', { funcs: [{ new: { addr: 'xen_extra_version', plus: -0x80000000 } }] });
upload('func-new-low', { funcs: [{ new: { hex: '1' } }] });
upload('func-old-unmapped', { funcs: [{ old: { addr: '__2M_rwdata_end', plus: 0x4000000 } }] }, { panic: 'old-addr-unmapped-at-upload' });
upload('func-old-init-text', { funcs: [{ old: '__start_xen' }] });
upload('func-old-noncanonical', { funcs: [{ old: { hex: '1234567890abcdef' } }] }, { panic: 'old-addr-non-canonical' });
upload('func-old-low', { funcs: [{ old: { hex: '10' } }] });
add('nop-old-unmapped', { p: { code: false, funcs: [{ new: null, newSize: 5, oldSize: 12, old: { addr: '__2M_rwdata_end', plus: 0x4000000 } }] } }, [{ upload: 'p' }, { apply: 'p' }], { panic: 'nop-old-addr-unmapped-at-apply' });
add('nop-old-noncanonical', { p: { code: false, funcs: [{ new: null, newSize: 5, oldSize: 12, old: { hex: '1234567890abcdef' } }] } }, [{ upload: 'p' }, { apply: 'p' }], { panic: 'nop-old-addr-non-canonical-at-apply' });
add('old-is-data', { p: { funcs: [{ name: 'boot_cpu_data', oldSize: 16 }] } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }]);
add('old-is-rodata', { p: { funcs: [{ name: '_srodata', oldSize: 16 }] } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }]);
upload('funcs-not-alloc', { funcsFlags: '' }, { panic: 'funcs-not-alloc' });
add('duplicate-special-section', { p: { modinfo: 'first=1\0', asm: '.section .modinfx,"a",@progbits\n.asciz "second=2"\n', edits: [{ rename: '.modinfx', to: '.modinfo' }] } }, [{ upload: 'p' }, { apply: 'p' }]);

// ---------------------------------------------------------------------------------- ELF header
upload('file-short', { raw: '7f454c46' });
upload('file-not-elf', { raw: '00'.repeat(64) });
upload('file-one-byte', { raw: '7f' });
edited('file-truncated-half', [{ truncate: 512 }]);
edited('file-truncated-64', [{ truncate: 64 }]);
edited('file-truncated-1', [{ truncate: -1 }]);
edited('file-appended', [{ append: 100 }]);
edited('ehdr-magic', [{ ident: 1, value: 0x46 }]);
for (const [i, n, vs] of [[4, 'class', [0, 1, 3]], [5, 'data', [0, 2]], [6, 'version', [0, 2]], [7, 'osabi', [3, 9]], [8, 'abiversion', [1]], [9, 'padding', [1]]] as [number, string, number[]][])
  for (const v of vs) edited(`ident-${n}-${v}`, [{ ident: i, value: v }]);
for (const [f, vs] of [['type', [0, 2, 3]], ['machine', [3, 183]], ['version', [0, 2]], ['phnum', [1]], ['shstrndx', [0, 1, 0xffff]], ['shnum', [0, 1, 2, 1023, 1024, 0xffff]], ['shoff', [0, 1, 63]], ['shentsize', [0, 63, 65, 0xffff]], ['entry', [1]], ['phoff', [1]], ['flags', [1]], ['ehsize', [0]], ['phentsize', [1]]] as const)
  for (const v of vs) edited(`ehdr-${f}-${v}`, [{ ehdr: f, value: v }]);
edited('ehdr-shstrndx-shnum', [{ ehdr: 'shstrndx', value: { shnum: true } }]);
edited('ehdr-shoff-end', [{ ehdr: 'shoff', value: { fileSize: true } }]);
edited('ehdr-shoff-last', [{ ehdr: 'shoff', value: { fileSize: true, plus: -1 } }]);
edited('ehdr-shoff-huge', [{ ehdr: 'shoff', value: '0xffffffffffffffff' }]);
edited('ehdr-shnum-plus-1', [{ ehdr: 'shnum', value: { shnum: true, plus: 1 } }]);
edited('ehdr-shnum-minus-1', [{ ehdr: 'shnum', value: { shnum: true, plus: -1 } }]);

// ---------------------------------------------------------------------------------- section headers
const S = (name: string, section: string, field: Extract<Edit, { section: unknown }>['field'], value: Extract<Edit, { section: unknown }>['value'], more: Partial<Case> = {}): void => edited(`section-${name}`, [{ section, field, value }], {}, more);
S('offset-63', '.text', 'offset', 63);
S('offset-0', '.note.GNU-stack', 'offset', 0);
S('offset-bss-0', '.bss', 'offset', 0);
S('offset-end', '.note.GNU-stack', 'offset', { fileSize: true });
S('offset-past-end', '.note.GNU-stack', 'offset', { fileSize: true, plus: 1 });
S('offset-bss-past-end', '.bss', 'offset', '0xfffffffffffffff0');
S('size-past-end', '.text', 'size', { fileSize: true });
S('size-wraps', '.note.GNU-stack', 'size', '0xffffffffffffff80');
S('align-3', '.text', 'addralign', 3);
S('align-huge-odd', '.text', 'addralign', '0x8000000000000001');
S('align-0-text', '.text', 'addralign', 0);
S('align-0-funcs', '.livepatch.funcs', 'addralign', 0);
S('align-0-depends', '.livepatch.depends', 'addralign', 0);
S('align-4096-text', '.text', 'addralign', 4096);
S('align-65536-text', '.text', 'addralign', 65536);
S('align-65536-funcs', '.livepatch.funcs', 'addralign', 65536);
S('align-2-40-text', '.text', 'addralign', '0x10000000000');
S('align-2-40-funcs', '.livepatch.funcs', 'addralign', '0x10000000000');
S('align-2-63-text', '.text', 'addralign', '0x8000000000000000');
S('align-2-63-funcs', '.livepatch.funcs', 'addralign', '0x8000000000000000');
S('addr-unaligned', '.text', 'addr', 8);
S('addr-aligned', '.text', 'addr', 0x1000);
S('type-null', '.text', 'type', 0);
S('type-0x7fffffff', '.text', 'type', 0x7fffffff);
S('text-nobits', '.text', 'type', 8);
S('wax-text', '.text', 'flags', 7);
S('wax-nonempty-data', '.livepatch.funcs', 'flags', 7);
S('wax-empty', '.data', 'flags', 7);
S('flags-unknown-bits', '.text', 'flags', '0xfffffffffffffffa');
S('text-not-alloc', '.text', 'flags', 4);
S('rodata-not-alloc', '.rodata.str1.1', 'flags', 0x30);
S('text-readonly', '.text', 'flags', 2);
S('name-past-end', '.data', 'name', { sectionSize: '.shstrtab' });
S('name-last-byte', '.data', 'name', { sectionSize: '.shstrtab', plus: -1 });
S('name-huge', '.data', 'name', 0xffffffff);
S('symtab-type', '.symtab', 'type', 1);
S('symtab-twice', '.note.GNU-stack', 'type', 2);
S('symtab-link-shnum', '.symtab', 'link', { shnum: true });
S('symtab-link-wrong', '.symtab', 'link', 4);
S('symtab-link-shstrtab', '.symtab', 'link', { sectionIndex: '.shstrtab' });
S('symtab-link-0', '.symtab', 'link', 0, { panic: 'symtab-link-0' });
S('symtab-size-0', '.symtab', 'size', 0);
S('symtab-size-odd', '.symtab', 'size', 25);
S('symtab-size-one', '.symtab', 'size', 24);
S('symtab-entsize-0', '.symtab', 'entsize', 0);
S('symtab-entsize-23', '.symtab', 'entsize', 23);
S('symtab-entsize-48', '.symtab', 'entsize', 48);
S('symtab-alloc', '.symtab', 'flags', 2);
S('strtab-type', '.strtab', 'type', 1);
S('strtab-size-0', '.strtab', 'size', 0);
S('strtab-size-less', '.strtab', 'size', { old: true, plus: -1 });
S('shstrtab-type', '.shstrtab', 'type', 1);
S('shstrtab-size-0', '.shstrtab', 'size', 0);
edited('section-strtab-first-byte', [{ bytes: '.strtab', at: 0, hex: '41' }]);
edited('section-strtab-last-byte', [{ bytes: '.strtab', at: -1, hex: '41' }]);
edited('section-shstrtab-first-byte', [{ bytes: '.shstrtab', at: 0, hex: '41' }]);
edited('section-shstrtab-last-byte', [{ bytes: '.shstrtab', at: -1, hex: '41' }]);
// text_size becomes 0 again, so the RW region starts on top of .text: the code lies behind the data there and is not executable.
add('section-empty-text-align-0', {
  p: { code: false, funcs: [{ name: XC, new: 'lp_behind' }], asm: '.text\n.fill 64,1,0x90\n.globl lp_behind\n.type lp_behind,@function\nlp_behind: xorl %eax,%eax\nret\n.size lp_behind,.-lp_behind\n.data\n.quad 1\n.section .text.empty,"ax",@progbits\n', edits: [{ section: '.text.empty', field: 'addralign', value: 0 }] },
}, [{ upload: 'p' }, { apply: 'p' }, { version: CHANGESET }], { panic: 'empty-text-section-align-0' });
add('section-empty-text-align-0-overwritten', { p: { asm: '.section .text.empty,"ax",@progbits\n', edits: [{ section: '.text.empty', field: 'addralign', value: 0 }] } }, [{ upload: 'p' }]);
add('section-align-0-second-rodata', { p: { asm: '.section .rodata.more,"a",@progbits\n.ascii "0123456789abcdef"\n', edits: [{ section: '.rodata.more', field: 'addralign', value: 0 }] } }, [{ upload: 'p' }]);
add('section-several-alignments', { p: { asm: '.section .text.b,"ax",@progbits\n.balign 64\nlp_b: ret\n.section .data.a,"aw",@progbits\n.byte 1\n.section .data.b,"aw",@progbits\n.balign 32\n.quad 2\n.section .rodata.c,"a",@progbits\n.balign 128\n.byte 3\n.section .bss.d,"aw",@nobits\n.balign 256\n.zero 10\n.section .rodata.e,"a",@nobits\n.zero 5\n.section .text.f,"ax",@nobits\n.balign 32\n.zero 7\n' } }, [{ upload: 'p' }, { apply: 'p' }]);
add('section-zero-size-with-symbol', { p: { asm: '.section .rodata.none,"a",@progbits\nlp_nothing:\n.section .data.ptr,"aw",@progbits\n.quad lp_nothing\n' } }, [{ upload: 'p' }]);
upload('section-all-alloc-empty', { code: false, funcs: [], depends: null, xenDepends: null, buildId: null });
add('bss-one-page', { p: { asm: '.bss\n.zero 4096\n' } }, [{ upload: 'p' }]);
add('bss-one-page-plus-1', { p: { asm: '.bss\n.zero 4097\n' } }, [{ upload: 'p' }]);
add('bss-2MiB', { p: { asm: '.bss\n.zero 0x200000\n' } }, [{ upload: 'p' }]);
upload('bss-2MiB-plus-1', { asm: '.bss\n.zero 0x200001\n' });
add('bss-two-of-2MiB', { p: { asm: '.bss\n.zero 0x200000\n.section .bss.b,"aw",@nobits\n.zero 0x200000\n' } }, [{ upload: 'p' }]);
add('text-two-pages', { p: { asm: '.text\n.fill 4096,1,0x90\nlp_end: ret\n' } }, [{ upload: 'p' }, { apply: 'p' }]);

// ---------------------------------------------------------------------------------- relocations
const R: PayloadSpec = { asm: '.section .data.rel,"aw",@progbits\n.balign 8\nlp_rel: .quad lp_new_fn\n.long lp_new_fn-.\n.long 0\n' };
const rel = (name: string, edits: Edit[], more: Partial<Case> = {}): void => edited(`rela-${name}`, edits, R, more);
rel('fine', []);
for (const t of [0, 3, 4, 5, 9, 10, 11, 14, 24, 37, 41, 42, 255, 0x7fffffff]) rel(`type-${t}`, [{ rela: '.rela.data.rel', entry: 0, field: 'type', value: t }]);
rel('type-none-bad-offset', [{ rela: '.rela.data.rel', entry: 0, field: 'type', value: 0 }, { rela: '.rela.data.rel', entry: 0, field: 'offset', value: '0xffffffffffffffff' }]);
rel('type-none-symbol-0', [{ rela: '.rela.data.rel', entry: 0, field: 'type', value: 0 }, { rela: '.rela.data.rel', entry: 0, field: 'sym', value: 0 }]);
rel('symbol-0', [{ rela: '.rela.data.rel', entry: 0, field: 'sym', value: 0 }]);
rel('symbol-past-end', [{ rela: '.rela.data.rel', entry: 0, field: 'sym', value: 10000 }]);
rel('symbol-huge', [{ rela: '.rela.data.rel', entry: 0, field: 'sym', value: 0xffffffff }]);
rel('offset-8-of-16', [{ rela: '.rela.data.rel', entry: 0, field: 'offset', value: 8 }]);
rel('offset-9-of-16', [{ rela: '.rela.data.rel', entry: 0, field: 'offset', value: 9 }]);
rel('offset-16-of-16', [{ rela: '.rela.data.rel', entry: 0, field: 'offset', value: 16 }]);
rel('offset-huge', [{ rela: '.rela.data.rel', entry: 0, field: 'offset', value: '0xffffffffffffffff' }]);
rel('pc32-offset-12', [{ rela: '.rela.data.rel', entry: 1, field: 'offset', value: 12 }]);
rel('pc32-offset-13', [{ rela: '.rela.data.rel', entry: 1, field: 'offset', value: 13 }]);
rel('pc32-overflow', [{ rela: '.rela.data.rel', entry: 1, field: 'addend', value: '0x100000000' }]);
rel('pc32-overflow-negative', [{ rela: '.rela.data.rel', entry: 1, field: 'addend', value: '0xffffffff00000000' }]);
rel('plt32-overflow', [{ rela: '.rela.data.rel', entry: 1, field: 'addend', value: '0x100000000' }, { rela: '.rela.data.rel', entry: 1, field: 'type', value: 4 }]);
rel('addend-64', [{ rela: '.rela.data.rel', entry: 0, field: 'addend', value: '0xfedcba9876543210' }]);
rel('link-wrong', [{ section: '.rela.data.rel', field: 'link', value: 1 }]);
rel('link-0', [{ section: '.rela.data.rel', field: 'link', value: 0 }]);
rel('info-shnum', [{ section: '.rela.data.rel', field: 'info', value: { shnum: true } }]);
rel('info-huge', [{ section: '.rela.data.rel', field: 'info', value: 0xffffffff }]);
rel('info-not-alloc', [{ section: '.rela.data.rel', field: 'info', value: { sectionIndex: '.strtab' } }]);
rel('info-0', [{ section: '.rela.data.rel', field: 'info', value: 0 }], { panic: 'rela-info-0' });
rel('size-0', [{ section: '.rela.data.rel', field: 'size', value: 0 }]);
rel('size-0-link-wrong', [{ section: '.rela.data.rel', field: 'size', value: 0 }, { section: '.rela.data.rel', field: 'link', value: 1 }]);
rel('size-odd', [{ section: '.rela.data.rel', field: 'size', value: 25 }]);
rel('entsize-0', [{ section: '.rela.data.rel', field: 'entsize', value: 0 }]);
rel('entsize-16', [{ section: '.rela.data.rel', field: 'entsize', value: 16 }]);
rel('entsize-48', [{ section: '.rela.data.rel', field: 'entsize', value: 48 }]);
rel('type-rel', [{ section: '.rela.data.rel', field: 'type', value: 9 }]);
rel('type-rel-entsize-8', [{ section: '.rela.data.rel', field: 'type', value: 9 }, { section: '.rela.data.rel', field: 'entsize', value: 8 }]);
upload('rela-ignored-symbol', { asm: '.section .debug_lp,"",@progbits\nlp_debug: .long 1\n.section .data.rel,"aw",@progbits\n.quad lp_debug\n' });
upload('rela-ignored-section-symbol', { asm: '.section .debug_lp,"",@progbits\n.long 1\n.Lx: .long 1\n.section .data.rel,"aw",@progbits\n.quad .Lx\n' });
upload('rela-of-not-alloc-section', { asm: '.section .debug_lp,"",@progbits\n.quad lp_new_fn\n' });
add('rela-hypervisor-symbols', { p: { asm: '.section .data.rel,"aw",@progbits\n.balign 8\n.quad xen_extra_version+4\n.quad boot_cpu_data\n.long printk-.\n.long printk@PLT\n.quad "common/livepatch.c#livepatch_printall"\n' } }, [{ upload: 'p' }]);

// ---------------------------------------------------------------------------------- alternatives
export interface Alt {
  feature: number;
  orig: string;
  repl: string;
  /** Bytes of NOP padding behind the original; default: as many as the replacement is longer. */
  pad?: number;
  origLen?: string;
  replLen?: string;
  padLen?: string;
  priv?: number;
  /** Patches the original of the entry before. */
  again?: boolean;
  origAt?: string;
  replAt?: string;
}
function ALT(alts: Alt[]): string {
  let text = '';
  let table = '';
  let repl = '';
  let site = 0;
  alts.forEach((a, i) => {
    if (!a.again) {
      site = i;
      text += `.Lo${i}:\n${a.orig}\n.Loe${i}:\n.nops ${a.pad ?? 0}\n.Lp${i}:\n`;
    }
    repl += `.Lr${i}:\n${a.repl}\n.Lre${i}:\n`;
    table += `.long ${a.origAt ?? `.Lo${site}`}-.\n.long ${a.replAt ?? `.Lr${i}`}-.\n.word ${a.feature}\n.byte ${a.origLen ?? `.Loe${site}-.Lo${site}`},${a.replLen ?? `.Lre${i}-.Lr${i}`},${a.padLen ?? `.Lp${site}-.Loe${site}`},${a.priv ?? 0}\n`;
  });
  return `.text\n.balign 16\nlp_alt:\n${text}ret\n.section .altinstr_replacement,"ax",@progbits\n${repl}.section .altinstructions,"a",@progbits\n${table}`;
}
const ABSENT = 671; // the last feature word of this release; nothing in it is set on a TCG CPU
const ALWAYS = 93;
for (const [suffix, cpu] of [['', undefined], ['-skylake', 'Skylake-Client,-smap']] as const) {
  const more = cpu ? { cpu } : {};
  const N = (n: number): string => `.fill ${n},1,0x0b`;
  add(`alt-present${suffix}`, { p: { asm: ALT([
    { feature: ALWAYS, orig: N(3), repl: 'movb $1,%al\nnop' }, { feature: ALWAYS, orig: N(12), repl: 'nop' }, { feature: ALWAYS, orig: N(2), pad: 9, repl: '.fill 11,1,0xf4' }, { feature: ALWAYS, orig: N(2), pad: 9, repl: '.fill 4,1,0xf4' },
    { feature: ALWAYS, orig: N(4), repl: '' }, { feature: ALWAYS, orig: '', pad: 6, repl: '.fill 6,1,0xf4' }, { feature: 26, orig: N(1), repl: '.byte 0xf4' }, { feature: 0x8000 | ABSENT, orig: N(1), repl: '.byte 0xf4' }, { feature: ALWAYS, orig: N(40), repl: '.byte 0xf4' },
  ]) } }, [{ upload: 'p' }, { apply: 'p' }], more);
  add(`alt-absent${suffix}`, { p: { asm: ALT([0, 1, 2, 5, 9, 12, 31].flatMap((pad): Alt[] => [{ feature: ABSENT, orig: N(2), pad, repl: `.fill ${pad + 2},1,0xf4` }, { feature: 0x8000 | ALWAYS, orig: N(1), pad, repl: '.byte 0xf4' }])) } }, [{ upload: 'p' }], more);
  add(`alt-two-on-one-site${suffix}`, { p: { asm: ALT([
    { feature: ABSENT, orig: N(2), pad: 8, repl: '.fill 10,1,0xf4' }, { feature: ABSENT, orig: '', repl: '.fill 3,1,0xf5', again: true },
    { feature: ALWAYS, orig: N(2), pad: 8, repl: '.fill 10,1,0xf4' }, { feature: ABSENT, orig: '', repl: '.fill 3,1,0xf5', again: true },
    { feature: ABSENT, orig: N(2), pad: 8, repl: '.fill 10,1,0xf4' }, { feature: ALWAYS, orig: '', repl: '.fill 3,1,0xf5', again: true },
    { feature: ALWAYS, orig: N(2), pad: 8, repl: '.fill 10,1,0xf4' }, { feature: ALWAYS, orig: '', repl: '.fill 3,1,0xf5', again: true },
    { feature: ABSENT, orig: N(2), pad: 8, repl: '.fill 10,1,0xf4', priv: 1 }, { feature: ALWAYS, orig: '', repl: '.fill 3,1,0xf5', again: true, priv: 1 },
    { feature: ABSENT, orig: N(2), pad: 8, repl: '.fill 10,1,0xf4', priv: 1 }, { feature: ABSENT, orig: '', repl: '.fill 3,1,0xf5', again: true },
  ]) } }, [{ upload: 'p' }], more);
}
add('alt-branches', { p: { asm: ALT([
  { feature: ALWAYS, orig: '.fill 5,1,0x0b', repl: 'call printk' }, { feature: ALWAYS, orig: '.fill 5,1,0x0b', repl: '.byte 0xe9\n.long lp_new_fn-.-4' }, { feature: ALWAYS, orig: '.fill 8,1,0x0b', repl: 'call lp_new_fn\nnop' },
  { feature: ALWAYS, orig: '.fill 6,1,0x0b', repl: 'nop\ncall lp_new_fn' }, { feature: ALWAYS, orig: '.fill 4,1,0x0b', pad: 2, repl: '.byte 0x0f,0x84\n.long lp_new_fn-.-4' }, { feature: ALWAYS, orig: '.fill 5,1,0x0b', repl: '.byte 0xe8,0xfb,0xff,0xff,0xff' },
  { feature: ALWAYS, orig: '.fill 4,1,0x0b', repl: '.byte 0xe8,1,2,3' }, { feature: ALWAYS, orig: '.fill 11,1,0x0b', repl: 'movl $1,%eax\n.byte 0xe9\n.long __x86_return_thunk-.-4' },
]) } }, [{ upload: 'p' }]);
const PTR = `.section .data.rel,"aw",@progbits\n.balign 8\nlp_ptr_endbr: .quad lp_with_endbr\nlp_ptr_plain: .quad lp_new_fn\nlp_ptr_null: .quad 0\nlp_ptr_xen: .quad "${ENDBR}"\nlp_ptr_xen_plain: .quad xen_extra_version\n.text\n.balign 16\nlp_with_endbr: endbr64\nret\n`;
const indirect = (op: string, p: string): string => `.byte 0xff,${op === 'call' ? '0x15' : '0x25'}\n.long ${p}-.-4`;
const direct = (op: string): string => `.byte ${op === 'call' ? '0xe8' : '0xe9'},0xfb,0xff,0xff,0xff`;
add('altcall', { p: { asm: PTR + ALT(['endbr', 'plain', 'null', 'xen', 'xen_plain'].flatMap((p) => ['call', 'jmp'].map((op): Alt => ({ feature: ALWAYS, orig: indirect(op, 'lp_ptr_' + p), repl: direct(op) })))) } }, [{ upload: 'p' }, { apply: 'p' }]);
add('altcall-not-recognised', { p: { asm: PTR + ALT([
  { feature: 26, orig: indirect('call', 'lp_ptr_endbr'), repl: direct('call') }, { feature: ALWAYS, orig: indirect('call', 'lp_ptr_endbr'), repl: direct('jmp') }, { feature: ALWAYS, orig: indirect('call', 'lp_ptr_endbr'), repl: '.byte 0xe8,0xfa,0xff,0xff,0xff' },
  { feature: ALWAYS, orig: indirect('call', 'lp_ptr_endbr'), repl: direct('call'), origLen: '5' }, { feature: 0x8000 | ABSENT, orig: indirect('call', 'lp_ptr_endbr'), repl: direct('call') }, { feature: ALWAYS, orig: indirect('call', 'lp_ptr_endbr') + '\nnop\nnop', repl: direct('call') }, { feature: ALWAYS, orig: indirect('call', 'lp_ptr_endbr'), pad: 3, repl: direct('call') },
]) } }, [{ upload: 'p' }]);
upload('alt-orig-before-text', { asm: ALT([{ feature: ALWAYS, orig: 'nop', repl: 'nop', origAt: 'xen_extra_version' }]) });
upload('alt-orig-in-rodata', { asm: ALT([{ feature: ALWAYS, orig: 'nop', repl: 'nop', origAt: '.Ltext' }]) });
upload('alt-orig-past-text', { asm: ALT([{ feature: ALWAYS, orig: 'nop', repl: 'nop', origLen: '250' }]) });
upload('alt-repl-elsewhere', { asm: ALT([{ feature: ALWAYS, orig: 'nop', repl: 'nop', replAt: 'lp_new_fn' }]) });
upload('alt-repl-past-end', { asm: ALT([{ feature: ALWAYS, orig: 'nop\nnop', repl: 'nop', replLen: '2' }]) });
add('alt-repl-empty-section', { p: { asm: ALT([{ feature: ALWAYS, orig: 'nop\nnop\nnop', repl: '' }]) } }, [{ upload: 'p' }]);
upload('alt-no-replacement-section', { asm: ALT([{ feature: ALWAYS, orig: 'nop', repl: 'nop' }]), edits: [{ section: '.altinstr_replacement', field: 'name', value: 0 }] });
upload('alt-size-15', { asm: ALT([{ feature: ALWAYS, orig: 'nop', repl: 'nop' }]) + '.byte 0\n' });
upload('alt-empty-table', { asm: '.section .altinstructions,"a",@progbits\n' });
upload('alt-no-text', { code: false, funcs: [nop(XC, 1)], asm: '.section .altinstructions,"a",@progbits\n.zero 14\n' });
upload('alt-replacement-not-alloc', { asm: ALT([{ feature: ALWAYS, orig: 'nop', repl: 'nop' }]).replace('"ax"', '""') });
add('alt-pad-past-text', { p: { asm: ALT([{ feature: ALWAYS, orig: 'nop', repl: 'nop', padLen: '200' }]) } }, [{ upload: 'p' }]);
add('alt-feature-last', { p: { asm: ALT([{ feature: ABSENT, orig: 'nop', repl: 'nop' }]) } }, [{ upload: 'p' }]);
upload('alt-feature-672', { asm: ALT([{ feature: 672, orig: 'nop', repl: 'nop' }]) }, { panic: 'alternative-feature-672' });
upload('alt-feature-not-672', { asm: ALT([{ feature: 0x8000 | 672, orig: 'nop', repl: 'nop' }]) });
upload('alt-replacement-longer', { asm: ALT([{ feature: ALWAYS, orig: 'nop', repl: 'nop\nnop' }]) }, { panic: 'alternative-replacement-longer' });
upload('alt-origin-over-254', { asm: '.text\n.fill 300,1,0x90\n' + ALT([{ feature: ALWAYS, orig: '.fill 200,1,0x90', repl: 'nop', pad: 55 }]) }, { panic: 'alternative-origin-over-254' });
add('alt-origin-254', { p: { asm: ALT([{ feature: ALWAYS, orig: '.fill 200,1,0x90', repl: 'nop', pad: 54 }]) } }, [{ upload: 'p' }]);
upload('alt-table-not-alloc', { asm: ALT([{ feature: ALWAYS, orig: 'nop', repl: 'nop' }]).replace('.altinstructions,"a"', '.altinstructions,""') });
upload('alt-table-not-alloc-empty', { asm: '.section .altinstructions,"",@progbits\n' });
add('alt-call-sites-ignored', { p: { asm: PTR + `.text\nlp_site: ${indirect('call', 'lp_ptr_endbr')}\nret\n.section .alt_call_sites,"a",@progbits\n.long lp_site-.\n` } }, [{ upload: 'p' }]);

// ---------------------------------------------------------------------------------- bug frames, exceptions, crashes in payload code
/** A trap site with its frame, as Xen's x86 headers lay it out for this release. */
const FRAME = (type: number, line: number, more = ''): string =>
  `.Lbug: ud2\n.section .bug_frames.${type},"a",@progbits\n.balign 4\n.Lframe:\n.long (.Lbug-.Lframe)+(${line >> 7}<<24)\n.long (.Lfile-.Lframe)+(${line & 127}<<24)\n${more}.text\n`;
const FILE_NAME = '.section .rodata.str1.1,"aMS",@progbits,1\n.Lfile: .asciz "my/payload.c"\n.Lassert: .asciz "a == b"\n';
const crash = (body: string): PayloadSpec => ({ code: false, funcs: [{ name: XC, new: 'lp_crash' }], asm: `.text\n.balign 16\n.globl lp_crash\n.type lp_crash,@function\nlp_crash:\n${body}\nleaq .Lok(%rip),%rax\nret\n.size lp_crash,.-lp_crash\n.section .rodata.str1.1,"aMS",@progbits,1\n.Lok: .asciz "survived"\n` });
const RUN: Step[] = [{ upload: 'p' }, { apply: 'p' }, { version: CHANGESET }, { revert: 'p' }, { version: CHANGESET }];
add('bug-warn', { p: crash(FRAME(1, 1234) + FILE_NAME + '.text') }, RUN);
add('bug-bug', { p: crash(FRAME(2, 1234) + FILE_NAME + '.text') }, RUN, { panic: 'bug-in-payload' });
add('bug-assert', { p: crash(FRAME(3, 77, '.long 0\n.long .Lassert-.Lframe\n') + FILE_NAME + '.text') }, RUN, { panic: 'assert-in-payload' });
add('bug-no-frame', { p: crash('ud2') }, RUN, { panic: 'ud2-in-payload-function' });
add('bug-int3', { p: crash('int3') }, RUN);
add('bug-page-fault', { p: crash('xorl %eax,%eax\nmovl (%rax),%eax') }, RUN, { panic: 'page-fault-in-payload-function' });
add('bug-writes-own-text', { p: crash('leaq lp_crash(%rip),%rax\nmovb $0x90,(%rax)') }, RUN);
add('bug-frames-unload', { p: crash(FRAME(1, 5) + FILE_NAME + '.text') }, [...cycle()]);
for (const n of [0, 1, 2, 3]) upload(`bug-frames-${n}-size-12`, { asm: `.section .bug_frames.${n},"a",@progbits\n.zero 12\n` });
add('bug-frames-empty', { p: { asm: '.section .bug_frames.0,"a",@progbits\n' } }, [{ upload: 'p' }]);
upload('bug-frames-4-any-size', { asm: '.section .bug_frames.4,"a",@progbits\n.zero 3\n' });
add('bug-frames-not-alloc', { p: { asm: '.section .bug_frames.1,"",@progbits\n.zero 8\n' } }, [{ upload: 'p' }, { apply: 'p' }]);
const EX = (n: number): string => `.Lf${n}: movq (%rax),%rcx\njmp .Lx${n}\n.Lc${n}: incl %edx\n.Lx${n}:\n`;
add('ex-table', { p: crash(`movabsq $0xdead000000000000,%rax\nxorl %edx,%edx\n${EX(1)}${EX(2)}${EX(3)}.section .ex_table,"a",@progbits\n.balign 4\n.long .Lf3-.,.Lc3-.\n.long .Lf1-.,.Lc1-.\n.long .Lf2-.,.Lc2-.\n.text`) }, RUN);
upload('ex-table-size-12', { asm: '.section .ex_table,"a",@progbits\n.zero 12\n' });
add('ex-table-empty', { p: { asm: '.section .ex_table,"a",@progbits\n' } }, [{ upload: 'p' }]);
upload('ex-table-not-alloc', { asm: '.section .ex_table,"",@progbits\n.long 1,2\n' });
add('ex-table-ties', { p: { asm: '.text\n.La: nop\n.Lb: nop\n.section .ex_table,"a",@progbits\n' + Array.from({ length: 8 }, (_, i) => `.long ${i % 2 ? '.La' : '.Lb'}-.,.La+${i}-.\n`).join('') } }, [{ upload: 'p' }]);
upload('modinfo-not-alloc', { modinfo: 'a=1\0', edits: [{ section: '.modinfo', field: 'flags', value: 0 }] });

// ---------------------------------------------------------------------------------- where payloads are placed
const pagesOf = (n: number, i: number): PayloadSpec => ({ code: false, buildId: (0x10 + i).toString(16).repeat(20), funcs: [nop(XC, 1)], asm: n > 1 ? `.bss\n.zero ${(n - 1) * 4096}\n` : '' });
const sizes = [3, 1, 2, 1, 4, 3, 2];
add('placement', Object.fromEntries(sizes.map((n, i) => [`p${i}`, pagesOf(n, i)])), [
  { upload: 'p0' }, { upload: 'p1' }, { upload: 'p2' }, { unload: 'p1' }, { upload: 'p3' }, { unload: 'p0' }, { upload: 'p4' }, { upload: 'p5' }, { upload: 'p6' }, { unload: 'p3' }, { unload: 'p2' }, { upload: 'p0' }, { upload: 'p1' }, { upload: 'p2' }, { upload: 'p3' },
  ...['p4', 'p5', 'p6', 'p0', 'p1', 'p2', 'p3'].map((p): Step => ({ unload: p })), { upload: 'p2' },
]);
add('placement-failed-upload-leaves-no-trace', { bad: { xenDepends: '00'.repeat(20) }, ok: {} }, [{ upload: 'bad' }, { upload: 'ok' }, { upload: 'bad' }, { unload: 'ok' }, { upload: 'bad' }, { upload: 'ok' }]);
