import type { FuncSpec, PayloadSpec } from '../payloads.ts';
import { add, BIG, cycle, ENDBR, EXTRA_VERSION, upload, XC } from './define.ts';

// ---------------------------------------------------------------------------------- NOP patches
export const nop = (name: string, size: number): FuncSpec => ({ name, old: name, new: null, newSize: size });
for (const [suffix, cpu] of [
  ['', undefined],
  ['-skylake', 'Skylake-Client,-smap'],
] as const) {
  const small = Object.fromEntries(
    Array.from({ length: 12 }, (_, i) => [`n${i + 1}`, { code: false, funcs: [nop(XC, i + 1)] }]),
  );
  add(
    `nop-1-to-12${suffix}`,
    small,
    Object.keys(small).flatMap((k) => cycle(k)),
    cpu ? { cpu } : {},
  );
  const large = Object.fromEntries(
    Array.from({ length: 19 }, (_, i) => [`n${i + 13}`, { code: false, funcs: [nop(BIG, i + 13)] }]),
  );
  add(
    `nop-13-to-31${suffix}`,
    large,
    Object.keys(large).flatMap((k) => cycle(k)),
    cpu ? { cpu } : {},
  );
}
add('nop-size-0', { p: { code: false, funcs: [nop(XC, 0)] } }, [...cycle()]);
upload('nop-size-32', { code: false, funcs: [nop(BIG, 32)] });
upload('nop-larger-than-old', { code: false, funcs: [nop(XC, 13)] });
upload('nop-larger-than-old-and-31', { code: false, funcs: [nop(XC, 32)] });
add('nop-whole-function-runs-on', { p: { code: false, funcs: [nop('xen_extra_version', 12)] } }, [
  { upload: 'p' },
  { apply: 'p' },
  { version: EXTRA_VERSION },
  { revert: 'p' },
  { version: EXTRA_VERSION },
]);
for (const n of [4, 5, 6, 12, 13, 31])
  add(
    `nop-endbr-${n}`,
    { p: { code: false, funcs: [nop(ENDBR, n)] } },
    [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { unload: 'p' }],
    { noDump: true, watch: [ENDBR] },
  );
for (const n of [0, 1, 3])
  add(`nop-endbr-${n}`, { p: { code: false, funcs: [nop(ENDBR, n)] } }, [{ upload: 'p' }, { apply: 'p' }], {
    panic: `nop-${n}-on-endbr64-function`,
  });

// ---------------------------------------------------------------------------------- ENDBR64
const PRINTALL = `.text\n.balign 16\n.globl lp_printall\nlp_printall: leaq .Lmsg(%rip),%rdi\nxorl %eax,%eax\njmp printk\n.section .rodata.str1.1,"aMS",@progbits,1\n.Lmsg: .asciz "patched key handler\\n"\n`;
for (const n of [4, 5, 8, 9])
  add(
    `endbr-old-size-${n}`,
    { p: { code: false, asm: PRINTALL, funcs: [{ name: ENDBR, new: 'lp_printall', oldSize: n }] } },
    [{ upload: 'p' }, { apply: 'p' }, { dump: 'x' }, { revert: 'p' }, { dump: 'x' }, { unload: 'p' }],
    { watch: [ENDBR] },
  );
for (const [kind, bytes] of [
  ['endbr', '0xf3,0x0f,0x1e,0xfa'],
  ['poison', '0x66,0x0f,0x1f,0x01'],
  ['almost', '0xf3,0x0f,0x1e,0xfb'],
]) {
  const provider: PayloadSpec = {
    asm: `.text\n.balign 16\n.globl lp_target\n.type lp_target,@function\nlp_target: .byte ${bytes}\nmovl $1,%eax\nret\n.size lp_target,.-lp_target\n.balign 16\n`,
  };
  for (const n of [8, 9])
    add(
      `stack-on-payload-function-${kind}-${n}`,
      { a: provider, b: { depends: '@a', symbol: 'second_fn', funcs: [{ name: 'lp_target', oldSize: n }] } },
      [{ upload: 'a' }, { apply: 'a' }, { upload: 'b' }, { apply: 'b' }, { revert: 'b' }, { unload: 'b' }],
    );
}
