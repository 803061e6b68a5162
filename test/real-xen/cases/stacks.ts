import type { PayloadSpec } from '../payloads.ts';
import { add, EXTRA_VERSION, XC } from './define.ts';
import { COUNTER } from './good-cycles.ts';

// ---------------------------------------------------------------------------------- stacks, build-ids, replace
const chain = {
  a: {},
  b: { depends: '@a', symbol: 'fn_b', text: '-B' },
  c: { depends: '@b', symbol: 'fn_c', text: '-C' },
};
add('stack-of-three', chain, [
  { upload: 'a' },
  { upload: 'b' },
  { upload: 'c' },
  { apply: 'b' },
  { apply: 'c' },
  { apply: 'a' },
  { apply: 'c' },
  { apply: 'b' },
  { version: EXTRA_VERSION },
  { apply: 'c' },
  { version: EXTRA_VERSION },
  { revert: 'a' },
  { revert: 'b' },
  { unload: 'a' },
  { list: { idx: 0, nr: 8 } },
  { revert: 'c' },
  { version: EXTRA_VERSION },
  { revert: 'a' },
  { revert: 'b' },
  { revert: 'a' },
  { version: EXTRA_VERSION },
  { unload: 'b' },
  { unload: 'a' },
  { unload: 'c' },
]);
add('nodeps', { ...chain, w: { depends: '00'.repeat(20), symbol: 'fn_w' } }, [
  { upload: 'b' },
  { apply: 'b' },
  { apply: 'b', flags: 1 },
  { upload: 'a' },
  { apply: 'a' },
  { apply: 'a', flags: 0xfffffffe },
  { apply: 'a', flags: 0xffffffff },
  { upload: 'w' },
  { apply: 'w' },
  { apply: 'w', flags: 1 },
  { list: { idx: 0, nr: 8 } },
  { revert: 'b' },
  { revert: 'w' },
  { revert: 'a' },
  { revert: 'b' },
]);
add('depends-other-length', { p: { depends: '0011223344556677' } }, [
  { upload: 'p' },
  { apply: 'p' },
  { replace: 'p' },
]);
add('replace-over-stack', { ...chain, r: { symbol: 'fn_r', text: '-R' } }, [
  { upload: 'a' },
  { upload: 'b' },
  { upload: 'c' },
  { apply: 'a' },
  { apply: 'b' },
  { apply: 'c' },
  { upload: 'r' },
  { apply: 'r' },
  { replace: 'r' },
  { version: EXTRA_VERSION },
  { list: { idx: 0, nr: 8 } },
  { replace: 'r' },
  { revert: 'r' },
  { version: EXTRA_VERSION },
]);
add('replace-nothing-applied', { r: {} }, [
  { upload: 'r' },
  { replace: 'r' },
  { revert: 'r' },
  { replace: 'r' },
  { unload: 'r' },
]);
add('replace-depends-not-xen', chain, [
  { upload: 'a' },
  { upload: 'b' },
  { apply: 'a' },
  { replace: 'b' },
  { replace: 'b', flags: 1 },
  { get: 'b' },
]);
add(
  'replace-expectation-fails',
  {
    a: {},
    b: { depends: '@a', symbol: 'fn_b', funcs: [{ name: XC }] },
    r: { symbol: 'fn_r', funcs: [{ name: XC, expect: { len: 2, data: '0000' } }] },
  },
  [
    { upload: 'a' },
    { upload: 'b' },
    { upload: 'r' },
    { apply: 'a' },
    { apply: 'b' },
    { replace: 'r' },
    { list: { idx: 0, nr: 8 } },
  ],
);
add(
  'replace-expectation-of-original',
  { a: {}, r: { symbol: 'fn_r', funcs: [{ expect: { len: 3, data: { of: 'xen_extra_version' } } }] } },
  [{ upload: 'a' }, { upload: 'r' }, { apply: 'a' }, { replace: 'r' }],
);
add('replace-dirty-data', { a: { asm: COUNTER }, r: { symbol: 'fn_r' } }, [
  { upload: 'a' },
  { apply: 'a' },
  { upload: 'r' },
  { replace: 'r' },
  { apply: 'a' },
  { replace: 'a' },
  { list: { idx: 0, nr: 8 } },
]);
export const HOOK = (name: string, body: string): string =>
  `.text\n.balign 16\n.type ${name},@function\n${name}:\n${body}\n.size ${name},.-${name}\n`;
export const SAY = (name: string, message: string, ret: number | null = null): string =>
  `${HOOK(
    name,
    `subq $8,%rsp\nleaq .L${name}(%rip),%rdi\nxorl %eax,%eax\ncall printk\naddq $8,%rsp\n${ret === null ? '' : `movl $${ret},%eax\n`}ret`,
  )}.section .rodata.str1.1,"aMS",@progbits,1\n.L${name}: .asciz "${message}\\n"\n`;
for (const kind of ['preapply', 'postapply', 'prerevert', 'postrevert', 'apply', 'revert', 'load', 'unload']) {
  const h: PayloadSpec = { hooks: { [kind]: ['lp_hook'] }, asm: SAY('lp_hook', `${kind} hook`, 0) };
  // An apply hook that does nothing and claims success is a panic of its own; it is recorded below.
  if (kind !== 'apply' && kind !== 'revert')
    add(`hook-${kind}-ok`, { p: h }, [
      { upload: 'p' },
      { apply: 'p' },
      { revert: 'p' },
      { apply: 'p' },
      { revert: 'p' },
      { unload: 'p' },
    ]);
  add(
    `replace-refused-own-${kind}`,
    { a: {}, r: { ...h, symbol: 'fn_r', ...(kind === 'apply' || kind === 'revert' ? { asm: SET_STATE(kind) } : {}) } },
    [{ upload: 'a' }, { apply: 'a' }, { upload: 'r' }, { replace: 'r' }, { get: 'r' }],
  );
  if (kind.startsWith('p'))
    add(`replace-refused-applied-${kind}`, { a: h, r: { symbol: 'fn_r' } }, [
      { upload: 'a' },
      { apply: 'a' },
      { upload: 'r' },
      { replace: 'r' },
      { get: 'r' },
      { revert: 'a' },
      { replace: 'r' },
    ]);
}
/** An action hook that marks the first function (un)applied without patching: struct payload keeps fstate at 112, `applied` is at 4 in it. */
export function SET_STATE(kind: string, ret = 0, value = kind === 'apply' ? 1 : 0): string {
  return `.text\n.balign 16\nlp_hook: movq 112(%rdi),%rax\nmovl $${value},4(%rax)\nmovl $${ret},%eax\nret\n`;
}
add(
  'replace-revert-hook-fails',
  {
    a: { hooks: { revert: ['lp_hook'] }, asm: SAY('lp_hook', 'revert hook', -22) },
    b: { depends: '@a', symbol: 'fn_b', funcs: [{ name: XC }] },
    r: { symbol: 'fn_r', funcs: [{ name: 'xen_compile_date' }] },
  },
  [
    { upload: 'a' },
    { upload: 'b' },
    { upload: 'r' },
    { apply: 'a' },
    { apply: 'b' },
    { replace: 'r' },
    { list: { idx: 0, nr: 8 } },
  ],
);
