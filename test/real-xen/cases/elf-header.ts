import { edited, upload } from './define.ts';

// ---------------------------------------------------------------------------------- ELF header
upload('file-short', { raw: '7f454c46' });
upload('file-not-elf', { raw: '00'.repeat(64) });
upload('file-one-byte', { raw: '7f' });
edited('file-truncated-half', [{ truncate: 512 }]);
edited('file-truncated-64', [{ truncate: 64 }]);
edited('file-truncated-1', [{ truncate: -1 }]);
edited('file-appended', [{ append: 100 }]);
edited('ehdr-magic', [{ ident: 1, value: 0x46 }]);
for (const [i, n, vs] of [
  [4, 'class', [0, 1, 3]],
  [5, 'data', [0, 2]],
  [6, 'version', [0, 2]],
  [7, 'osabi', [3, 9]],
  [8, 'abiversion', [1]],
  [9, 'padding', [1]],
] as [number, string, number[]][])
  for (const v of vs) edited(`ident-${n}-${v}`, [{ ident: i, value: v }]);
for (const [f, vs] of [
  ['type', [0, 2, 3]],
  ['machine', [3, 183]],
  ['version', [0, 2]],
  ['phnum', [1]],
  ['shstrndx', [0, 1, 0xffff]],
  ['shnum', [0, 1, 2, 1023, 1024, 0xffff]],
  ['shoff', [0, 1, 63]],
  ['shentsize', [0, 63, 65, 0xffff]],
  ['entry', [1]],
  ['phoff', [1]],
  ['flags', [1]],
  ['ehsize', [0]],
  ['phentsize', [1]],
] as const)
  for (const v of vs) edited(`ehdr-${f}-${v}`, [{ ehdr: f, value: v }]);
edited('ehdr-shstrndx-shnum', [{ ehdr: 'shstrndx', value: { shnum: true } }]);
edited('ehdr-shoff-end', [{ ehdr: 'shoff', value: { fileSize: true } }]);
edited('ehdr-shoff-last', [{ ehdr: 'shoff', value: { fileSize: true, plus: -1 } }]);
edited('ehdr-shoff-huge', [{ ehdr: 'shoff', value: '0xffffffffffffffff' }]);
edited('ehdr-shnum-plus-1', [{ ehdr: 'shnum', value: { shnum: true, plus: 1 } }]);
edited('ehdr-shnum-minus-1', [{ ehdr: 'shnum', value: { shnum: true, plus: -1 } }]);
