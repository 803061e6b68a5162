import type { FuncSpec } from '../payloads.ts';
import { add, type Case, CHANGESET, cycle, EXTRA_VERSION, upload, XC } from './define.ts';

// ---------------------------------------------------------------------------------- good cycles
add('good-cycle', { good: {} }, [
  { upload: 'good' },
  { get: 'good' },
  { list: { idx: 0, nr: 0 } },
  { list: { idx: 0, nr: 8 } },
  { version: EXTRA_VERSION },
  { apply: 'good' },
  { version: EXTRA_VERSION },
  { extra: true },
  { dump: 'x' },
  { list: { idx: 0, nr: 8 } },
  { revert: 'good' },
  { version: EXTRA_VERSION },
  { apply: 'good' },
  { revert: 'good' },
  { unload: 'good' },
  { get: 'good' },
  { list: { idx: 0, nr: 0 } },
]);
for (const cpu of ['qemu64', 'Skylake-Client,-smap'])
  add(`good-cycle-${cpu.replace(/,.*/, '').toLowerCase()}`, { good: {} }, [...cycle('good')], { cpu });
add(
  'good-cycle-smp2',
  { good: {} },
  [...cycle('good'), { upload: 'good' }, { apply: 'good' }, { version: EXTRA_VERSION }, { revert: 'good' }],
  { smp: 2 },
);
add(
  'smp2-timeout-1ns',
  { good: {} },
  [
    { upload: 'good' },
    { apply: 'good', timeout: 1 },
    { get: 'good' },
    { apply: 'good' },
    { raw: { sub: 3, name: 'good', action: 2, timeout: 1 } },
    { get: 'good' },
    { revert: 'good' },
  ],
  { smp: 2 },
);
add('smp1-timeout-1ns', { good: {} }, [
  { upload: 'good' },
  { apply: 'good', timeout: 1 },
  { raw: { sub: 3, name: 'good', action: 2, timeout: 1 } },
  { get: 'good' },
]);
add('funcs-writable', { good: { funcsFlags: 'aw' } }, [
  { upload: 'good' },
  { apply: 'good' },
  { revert: 'good' },
  { apply: 'good' },
  { revert: 'good' },
  { unload: 'good' },
]);
add('wrong-state-raw', { good: {} }, [
  { revert: 'good' },
  { apply: 'good' },
  { unload: 'good' },
  { replace: 'good' },
  { get: 'good' },
  { upload: 'good' },
  { revert: 'good' },
  { raw: { sub: 3, name: 'good', action: 0 } },
  { raw: { sub: 3, name: 'good', action: 5 } },
  { raw: { sub: 3, name: 'good', action: 0xffffffff } },
  { raw: { sub: 3, name: 'nosuch', action: 9 } },
  { apply: 'good' },
  { apply: 'good' },
  { replace: 'good' },
  { unload: 'good' },
  { upload: 'good' },
  { revert: 'good' },
  { revert: 'good' },
  { unload: 'good' },
  { unload: 'good' },
]);
export const COUNTER = `.data\n.balign 8\nlp_counter: .quad 7\n`;
add('data-reapply', { p: { asm: COUNTER }, q: { symbol: 'other_fn', asm: '.bss\n.balign 8\nlp_bss: .zero 64\n' } }, [
  ...cycle(),
  { upload: 'p' },
  { apply: 'p' },
  { revert: 'p' },
  { apply: 'p' },
  { get: 'p' },
  { replace: 'p' },
  { revert: 'p' },
  { unload: 'p' },
  { upload: 'q' },
  { apply: 'q' },
  { revert: 'q' },
  { apply: 'q' },
]);
add('data-empty-reapply', { p: { asm: '.section .data.empty,"aw",@progbits\n' } }, [
  { upload: 'p' },
  { apply: 'p' },
  { revert: 'p' },
  { apply: 'p' },
]);
add('funcs-writable-and-data-reapply', { p: { funcsFlags: 'aw', asm: COUNTER } }, [
  { upload: 'p' },
  { apply: 'p' },
  { revert: 'p' },
  { apply: 'p' },
]);
add('hooks-writable-reapply', { p: { hooks: { load: ['lp_hook'] }, hookFlags: 'aw', asm: '.text\nlp_hook: ret\n' } }, [
  { upload: 'p' },
  { apply: 'p' },
  { revert: 'p' },
  { apply: 'p' },
]);
add('hooks-readonly-reapply', { p: { hooks: { load: ['lp_hook'] }, asm: '.text\nlp_hook: ret\n' } }, [
  { upload: 'p' },
  { apply: 'p' },
  { revert: 'p' },
  { apply: 'p' },
]);
add('old-by-relocation', { p: { funcs: [{ old: 'xen_extra_version' }] } }, [...cycle()]);
add(
  'old-by-relocation-name-null',
  { p: { funcs: [{ old: 'xen_extra_version', name: null, oldSize: { sizeof: 'xen_extra_version' } }] } },
  [...cycle()],
);
add('overriding-symbol-name', { p: { symbol: 'xen_extra_version' } }, [
  { upload: 'p' },
  { apply: 'p' },
  { version: EXTRA_VERSION },
  { revert: 'p' },
]);
const five: FuncSpec[] = [
  'xen_compile_date',
  'xen_compile_time',
  'xen_compile_system_maintainer_local',
  'xen_compile_system_distribution',
  XC,
].map((name) => ({ name }));
add('five-functions', { p: { funcs: five } }, [...cycle(), { upload: 'p' }]);
add(
  'overlapping-functions',
  {
    p: {
      funcs: [{ name: XC }, { name: XC, new: 'lp_second' }],
      asm: '.text\n.balign 16\nlp_second: xorl %eax,%eax\nret\n',
    },
  },
  [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { apply: 'p' }, { revert: 'p' }],
);
add(
  'seventy-functions',
  { p: { funcs: Array.from({ length: 70 }, (_, i) => ({ name: XC, new: null, newSize: (i % 12) + 1 })) } },
  [{ upload: 'p' }, { dump: 'x' }],
);
add('pad-bytes-nonzero', { p: { funcs: [{ pad: 'ff'.repeat(39) }] } }, [
  { upload: 'p' },
  { apply: 'p' },
  { revert: 'p' },
]);
add('new-size-zero', { p: { funcs: [{ newSize: 0 }] } }, [...cycle()]);
add('new-inside-hypervisor', { p: { funcs: [{ name: XC, new: 'xen_deny' }] } }, [
  { upload: 'p' },
  { version: CHANGESET },
  { apply: 'p' },
  { version: CHANGESET },
  { revert: 'p' },
  { version: CHANGESET },
]);
add(
  'old-in-own-payload',
  {
    p: {
      funcs: [{ name: 'lp_own', old: 'lp_own', oldSize: 16 }],
      asm: '.text\n.balign 16\nlp_own: movl $1,%eax\nret\n.zero 10\n',
    },
  },
  [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }],
);

// Real compiler output: .livepatch.funcs and hooks are WA there, merged strings, PLT32 calls, .bss, static symbols.
const CBASE = `
typedef unsigned char u8; typedef unsigned int u32;
struct livepatch_func { const char *name; void *new_addr, *old_addr; u32 new_size, old_size; u8 version; u8 pad[39]; u8 expect[32]; };
extern int printk(const char *fmt, ...);
`;
add(
  'compiled',
  {
    p: {
      funcs: [],
      code: false,
      c:
        CBASE +
        `
static int calls;
static const char *name = "-COMPILED";
const char *lp_compiled(void) { calls++; if (calls == 3) printk("third call\\n"); return name; }
static struct livepatch_func funcs[] __attribute__((section(".livepatch.funcs"), used, aligned(8))) = { { "${XC}", lp_compiled, 0, 8, 12, 2 } };
static void on_load(void) { printk("load hook, calls %d\\n", calls); }
static void on_unload(void) { printk("unload hook, calls %d\\n", calls); }
static void *const hl __attribute__((section(".livepatch.hooks.load"), used)) = on_load;
static void *const hu __attribute__((section(".livepatch.hooks.unload"), used)) = on_unload;
static const char info[] __attribute__((section(".modinfo"), used)) = "author=me\\0desc=compiled payload";
`,
    },
  },
  [
    { upload: 'p' },
    { apply: 'p' },
    { version: CHANGESET },
    { version: CHANGESET },
    { version: CHANGESET },
    { revert: 'p' },
    { version: CHANGESET },
    { apply: 'p' },
    { unload: 'p' },
  ],
);
add(
  'compiled-two-structs-padding',
  {
    p: {
      funcs: [],
      code: false,
      c:
        CBASE +
        `
const char *lp_a(void) { return "a"; } const char *lp_b(void) { return "b"; }
static struct livepatch_func fa __attribute__((section(".livepatch.funcs"), used)) = { "xen_extra_version", lp_a, 0, 8, 12, 2 };
static struct livepatch_func fb __attribute__((section(".livepatch.funcs"), used)) = { "${XC}", lp_b, 0, 8, 12, 2 };
`,
    },
  },
  [{ upload: 'p' }],
);

// ---------------------------------------------------------------------------------- .modinfo
export const modinfo = (name: string, info: string, more: Partial<Case> = {}): void =>
  add(
    `modinfo-${name}`,
    { p: { modinfo: info } },
    [{ upload: 'p' }, { list: { idx: 0, nr: 0 } }, { list: { idx: 0, nr: 4 } }, { apply: 'p' }, { revert: 'p' }],
    more,
  );
modinfo('two-strings', 'author=me\0desc=test payload\0');
modinfo('one-nul', '\0');
modinfo('only-nuls', '\0\0\0');
modinfo('empty-string-inside', 'a=1\0\0b=2\0');
modinfo('unterminated', 'author=me');
modinfo('unprintable', 'a=\x01\xff\x1b[1m\0line1\nline2\0');
modinfo('long', `${'x'.repeat(300)}\0y=1\0`);
upload(
  'modinfo-size-0',
  { modinfo: 'a=1\0', edits: [{ section: '.modinfo', field: 'size', value: 0 }] },
  { panic: 'modinfo-size-0' },
);
