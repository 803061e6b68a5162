import type { Edit } from '../payloads.ts';
import { add, type Case, CHANGESET, edited, upload, XC } from './define.ts';

// ---------------------------------------------------------------------------------- section headers
const S = (
  name: string,
  section: string,
  field: Extract<Edit, { section: unknown }>['field'],
  value: Extract<Edit, { section: unknown }>['value'],
  more: Partial<Case> = {},
): void => edited(`section-${name}`, [{ section, field, value }], {}, more);
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
add(
  'section-empty-text-align-0',
  {
    p: {
      code: false,
      funcs: [{ name: XC, new: 'lp_behind' }],
      asm: '.text\n.fill 64,1,0x90\n.globl lp_behind\n.type lp_behind,@function\nlp_behind: xorl %eax,%eax\nret\n.size lp_behind,.-lp_behind\n.data\n.quad 1\n.section .text.empty,"ax",@progbits\n',
      edits: [{ section: '.text.empty', field: 'addralign', value: 0 }],
    },
  },
  [{ upload: 'p' }, { apply: 'p' }, { version: CHANGESET }],
  { panic: 'empty-text-section-align-0' },
);
add(
  'section-empty-text-align-0-overwritten',
  {
    p: {
      asm: '.section .text.empty,"ax",@progbits\n',
      edits: [{ section: '.text.empty', field: 'addralign', value: 0 }],
    },
  },
  [{ upload: 'p' }],
);
add(
  'section-align-0-second-rodata',
  {
    p: {
      asm: '.section .rodata.more,"a",@progbits\n.ascii "0123456789abcdef"\n',
      edits: [{ section: '.rodata.more', field: 'addralign', value: 0 }],
    },
  },
  [{ upload: 'p' }],
);
add(
  'section-several-alignments',
  {
    p: {
      asm: '.section .text.b,"ax",@progbits\n.balign 64\nlp_b: ret\n.section .data.a,"aw",@progbits\n.byte 1\n.section .data.b,"aw",@progbits\n.balign 32\n.quad 2\n.section .rodata.c,"a",@progbits\n.balign 128\n.byte 3\n.section .bss.d,"aw",@nobits\n.balign 256\n.zero 10\n.section .rodata.e,"a",@nobits\n.zero 5\n.section .text.f,"ax",@nobits\n.balign 32\n.zero 7\n',
    },
  },
  [{ upload: 'p' }, { apply: 'p' }],
);
add(
  'section-zero-size-with-symbol',
  {
    p: {
      asm: '.section .rodata.none,"a",@progbits\nlp_nothing:\n.section .data.ptr,"aw",@progbits\n.quad lp_nothing\n',
    },
  },
  [{ upload: 'p' }],
);
upload('section-all-alloc-empty', { code: false, funcs: [], depends: null, xenDepends: null, buildId: null });
add('bss-one-page', { p: { asm: '.bss\n.zero 4096\n' } }, [{ upload: 'p' }]);
add('bss-one-page-plus-1', { p: { asm: '.bss\n.zero 4097\n' } }, [{ upload: 'p' }]);
add('bss-2MiB', { p: { asm: '.bss\n.zero 0x200000\n' } }, [{ upload: 'p' }]);
upload('bss-2MiB-plus-1', { asm: '.bss\n.zero 0x200001\n' });
add('bss-two-of-2MiB', { p: { asm: '.bss\n.zero 0x200000\n.section .bss.b,"aw",@nobits\n.zero 0x200000\n' } }, [
  { upload: 'p' },
]);
add('text-two-pages', { p: { asm: '.text\n.fill 4096,1,0x90\nlp_end: ret\n' } }, [{ upload: 'p' }, { apply: 'p' }]);
