import type { PayloadSpec } from '../payloads.ts';
import { add, ENDBR, EXTRA_VERSION, edited, upload } from './define.ts';

// ---------------------------------------------------------------------------------- symbols between payloads and hypervisor
const shared: PayloadSpec = {
  asm: '.text\n.balign 16\n.globl lp_shared\n.type lp_shared,@function\nlp_shared: leaq .Ls(%rip),%rax\nret\n.section .rodata.str1.1,"aMS",@progbits,1\n.Ls: .asciz "-SHARED"\n',
};
const user: PayloadSpec = {
  code: false,
  funcs: [{ new: 'lp_user' }],
  asm: '.text\n.balign 16\n.globl lp_user\nlp_user: jmp lp_shared\n',
};
add('link-against-checked', { a: shared, u: user }, [
  { upload: 'u' },
  { upload: 'a' },
  { upload: 'u' },
  { apply: 'u' },
  { version: EXTRA_VERSION },
  { unload: 'a' },
  { revert: 'u' },
  { unload: 'u' },
  { upload: 'u' },
]);
add(
  'link-against-overriding',
  { a: {}, u: { code: false, funcs: [{ new: 'lp_user' }], asm: '.text\nlp_user: jmp lp_new_fn\n' } },
  [{ upload: 'a' }, { upload: 'u' }],
);
add(
  'link-local-symbol-of-payload',
  {
    a: { asm: '.text\nlp_local: ret\n' },
    u: { code: false, funcs: [{ new: 'lp_user' }], asm: '.text\nlp_user: jmp lp_local\n' },
  },
  [{ upload: 'a' }, { upload: 'u' }],
);
add(
  'old-by-name-in-payload',
  {
    a: { asm: '.text\n.balign 16\nlp_local: xorl %eax,%eax\nret\n.zero 8\n' },
    b: { symbol: 'fn_b', funcs: [{ name: 'lp_local' }] },
  },
  [{ upload: 'b' }, { upload: 'a' }, { upload: 'b' }, { apply: 'b', flags: 1 }, { revert: 'b' }, { unload: 'b' }],
);
add('duplicate-symbol-hypervisor', { p: { asm: '.text\ndo_xen_version: ret\n' } }, [{ upload: 'p' }]);
add('duplicate-symbol-hypervisor-data', { p: { asm: '.section .rodata.lp,"a",@progbits\nboot_cpu_data: .long 0\n' } }, [
  { upload: 'p' },
]);
add(
  'duplicate-symbol-hypervisor-static',
  { p: { asm: `.text\n"${ENDBR}": ret\n` }, q: { asm: '.text\nlivepatch_printall: ret\n' } },
  [{ upload: 'p' }, { upload: 'q' }],
);
add(
  'duplicate-symbol-payload',
  { a: { asm: '.text\nlp_dup: ret\n' }, b: { symbol: 'fn_b', asm: '.text\nnop\nlp_dup: ret\n' } },
  [{ upload: 'a' }, { upload: 'b' }, { unload: 'a' }, { upload: 'b' }, { upload: 'a' }],
);
add(
  'duplicate-symbol-inside',
  {
    p: {
      asm: '.text\nlp_one: ret\nlp_two: ret\n',
      edits: [{ symbol: 'lp_two', field: 'name', value: { old: true, plus: -7 } }],
    },
  },
  [{ upload: 'p' }],
);
add('duplicate-symbol-both-overriding', { a: {}, b: { text: '-B' } }, [{ upload: 'a' }, { upload: 'b' }]);
add(
  'duplicate-local-label-non-merge',
  {
    a: { asm: '.section .rodata.lp,"a",@progbits\n.globl .Llabel\n.Llabel: .long 1\n' },
    b: { symbol: 'fn_b', asm: '.section .rodata.lp,"a",@progbits\n.globl .Llabel\n.Llabel: .long 2\n' },
  },
  [{ upload: 'a' }, { upload: 'b' }],
);
add(
  'duplicate-local-label-merge',
  {
    a: { asm: '.section .rodata.str1.1,"aMS",@progbits,1\n.globl .Llabel\n.Llabel: .asciz "1"\n' },
    b: { symbol: 'fn_b', asm: '.section .rodata.str1.1,"aMS",@progbits,1\n.globl .Llabel\n.Llabel: .asciz "2"\n' },
  },
  [{ upload: 'a' }, { upload: 'b' }],
);
add(
  'symbol-name-long',
  {
    a: { asm: `.text\n.globl ${'s'.repeat(126)}\n${'s'.repeat(126)}: ret\n` },
    b: { symbol: 'fn_b', asm: `.text\n.globl ${'s'.repeat(140)}\n${'s'.repeat(140)}: ret\n` },
    u: { code: false, funcs: [{ new: 'lp_u' }], asm: `.text\nlp_u: jmp ${'s'.repeat(126)}\n` },
    v: { code: false, funcs: [{ new: 'lp_v' }], asm: `.text\nlp_v: jmp ${'s'.repeat(140)}\n` },
  },
  [{ upload: 'b' }, { upload: 'a' }, { upload: 'u' }, { upload: 'v' }, { unload: 'b' }, { upload: 'a' }],
);
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
for (const shndx of [0xff00, 0xfff3, 0xffff, 1000])
  edited(`symbol-shndx-${shndx.toString(16)}`, [{ symbol: 'lp_new_fn', field: 'shndx', value: shndx }]);
edited('symbol-shndx-shnum', [{ symbol: 'lp_new_fn', field: 'shndx', value: { shnum: true } }]);
edited('symbol-name-past-end', [{ symbol: 'lp_new_fn', field: 'name', value: { sectionSize: '.strtab' } }]);
edited('symbol-name-last-byte', [{ symbol: 'lp_new_fn', field: 'name', value: { sectionSize: '.strtab', plus: -1 } }]);
edited('symbol-value-wild', [{ symbol: 'lp_new_fn', field: 'value', value: '0x7fffffffffffffff' }]);
