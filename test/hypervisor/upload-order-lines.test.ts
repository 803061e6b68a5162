import { describe, expect, it } from 'vitest';
import { SHF_ALLOC, SHT_NOBITS, SHT_REL } from '../../src/elf/index.ts';
import { EHDR } from './mutable-elf.ts';
import { hostWith, payloadFor, type StatePayload, WRITABLE } from './state-support.ts';
import { upload } from './support.ts';
import { type Case, more, OK, run } from './upload-case.ts';

/** Every refusal of facts 2.2 to 2.6 that the order tests lack, one at a time. */

const HEADER: readonly Case[] = [
  { what: 'EI_VERSION', errno: 'EOPNOTSUPP', line: 'Invalid ELF payload', break: (elf) => elf.u8(6, 0) },
  { what: 'EI_ABIVERSION', errno: 'EOPNOTSUPP', line: 'Invalid ELF payload', break: (elf) => elf.u8(8, 1) },
  { what: 'EI_OSABI Linux', errno: 'EOPNOTSUPP', line: 'Invalid ELF payload', break: (elf) => elf.u8(7, 3) },
  { what: 'EI_OSABI FreeBSD', errno: OK, line: null, break: (elf) => elf.u8(7, 9) },
  { what: 'e_version', errno: 'EOPNOTSUPP', line: 'Invalid ELF payload', break: (elf) => elf.u32(EHDR.version, 2) },
  { what: 'e_phnum', errno: 'EOPNOTSUPP', line: 'Invalid ELF payload', break: (elf) => elf.u16(EHDR.phnum, 1) },
  { what: 'EI_CLASS', errno: 'EOPNOTSUPP', line: 'Unsupported ELF Machine type', break: (elf) => elf.u8(4, 1) },
  { what: 'EI_DATA', errno: 'EOPNOTSUPP', line: 'Unsupported ELF Machine type', break: (elf) => elf.u8(5, 2) },
  { what: 'e_entry', errno: OK, line: null, break: (elf) => elf.u64(24, 0x1234n) },
  { what: 'e_phoff', errno: OK, line: null, break: (elf) => elf.u64(32, 0x1234n) },
  { what: 'e_flags', errno: OK, line: null, break: (elf) => elf.u32(48, 0x1234) },
  { what: 'e_ehsize', errno: OK, line: null, break: (elf) => elf.u16(52, 1) },
  {
    what: 'e_shstrndx past the end',
    errno: 'EINVAL',
    line: 'Section name idx (77) is past end of sections (13)',
    break: (elf) => elf.u16(EHDR.shstrndx, 77).u16(EHDR.shnum, 13),
  },
  {
    what: '1023 sections',
    errno: 'EINVAL',
    line: 'Section header size is corrupted',
    break: (elf) => elf.u16(EHDR.shnum, 1023),
  },
];

const SECTIONS: readonly Case[] = [
  {
    what: 'past the end of the file',
    errno: 'EINVAL',
    line: 'Section [1] data is past end of payload',
    break: (elf) => elf.section(1, 'size', 1 << 30),
  },
  {
    what: 'that starts past the end of the file',
    errno: 'EINVAL',
    line: 'Section [1] data is past end of payload',
    break: (elf) => elf.section(1, 'offset', elf.bytes.length + 1).section(1, 'size', 0),
  },
  {
    what: 'without bytes may be anywhere',
    errno: OK,
    line: null,
    spec: more((builder) => builder.writer.section('.bss', { type: SHT_NOBITS, flags: WRITABLE, size: 64 })),
    break: (elf) => elf.section('.bss', 'offset', 1 << 30),
  },
  {
    what: 'without bytes, but in the header',
    errno: 'EINVAL',
    line: 'data at ELF header of payload',
    spec: more((builder) => builder.writer.section('.bss', { type: SHT_NOBITS, flags: WRITABLE, size: 64 })),
    break: (elf) => elf.section('.bss', 'offset', 0),
  },
  {
    what: '.bss of 2 MiB',
    errno: OK,
    line: null,
    spec: more((builder) => builder.writer.section('.bss', { type: SHT_NOBITS, flags: WRITABLE, size: 0x20_0000 })),
  },
  {
    what: '.bss of 2 MiB and a byte',
    errno: 'EINVAL',
    line: null,
    spec: more((builder) => builder.writer.section('.bss', { type: SHT_NOBITS, flags: WRITABLE, size: 0x20_0001 })),
  },
  {
    what: 'that is a second symbol table',
    errno: 'EOPNOTSUPP',
    line: 'Unsupported multiple symbol tables',
    break: (elf) => elf.section('.shstrtab', 'type', 2),
  },
  {
    what: 'with names past the end',
    errno: 'EINVAL',
    line: 'Symbol table idx (999) to strtab past end (',
    break: (elf) => elf.section('.symtab', 'link', 999),
  },
  {
    what: '.symtab of no size',
    errno: 'EINVAL',
    line: 'Symbol table header is corrupted',
    break: (elf) => elf.section('.symtab', 'size', 0),
  },
  {
    what: '.symtab with half an entry',
    errno: 'EINVAL',
    line: 'Symbol table header is corrupted',
    break: (elf) => elf.section('.symtab', 'size', elf.size('.symtab') - 1),
  },
  {
    what: '.strtab that is not a string table',
    errno: 'EINVAL',
    line: 'String table section is corrupted',
    break: (elf) => elf.section('.symtab', 'link', 1),
  },
  {
    what: '.strtab of no size',
    errno: 'EINVAL',
    line: 'String table section is corrupted',
    break: (elf) => elf.section('.strtab', 'size', 0),
  },
  {
    what: '.strtab without a final NUL',
    errno: 'EINVAL',
    line: 'String table section is corrupted',
    break: (elf) => elf.section('.strtab', 'size', elf.size('.strtab') - 1),
  },
];

const symbolCase = (what: string, shndx: number, errno: string | null, line: string | null): Case => ({
  what,
  errno,
  line,
  spec: more((builder) => builder.code('.text.more', 'extra')),
  break: (elf) => elf.symbolField('extra', 'shndx', shndx),
});

const SYMBOLS: readonly Case[] = [
  symbolCase('that is absolute', 0xfff1, OK, null),
  symbolCase('of a reserved section', 0xff00, 'EOPNOTSUPP', 'Out of bounds symbol section 0xff00'),
  symbolCase('of a section beyond the table', 500, 'EINVAL', 'Out of bounds symbol section 0x1f4'),
  symbolCase('that is undefined', 0, 'ENOENT', 'Unknown symbol: extra'),
  {
    what: 'that is undefined and weak',
    errno: 'ENOENT',
    line: 'Unknown symbol: weak_one',
    spec: more((builder) => builder.writer.symbol('weak_one', { bind: 2 })),
  },
  {
    what: 'that is undefined and without a name',
    errno: 'ENOENT',
    line: 'Unknown symbol: ',
    spec: more((builder) => builder.writer.symbol('', { bind: 1 })),
  },
  {
    what: 'that is static in Xen',
    errno: OK,
    line: null,
    spec: more((builder) => builder.undefinedSymbol('common/kernel.c#dump_state')),
  },
];

const relocated = (type: number, offset: number, addend: bigint, size = 16): StatePayload =>
  more((builder) => {
    const target = builder.writer.section('.rodata.x', { flags: SHF_ALLOC, data: new Uint8Array(size), addralign: 8 });
    builder.writer.relocations(target, [{ offset, type, symbol: builder.undefinedSymbol('printk'), addend }]);
  });

const RELOCATIONS: readonly Case[] = [
  { what: 'of nothing', errno: OK, line: null, spec: relocated(0, 999, 0n) },
  ...[9, 10, 11, 24, 41, 42].map((type) => ({
    what: `of type ${type}`,
    errno: 'EOPNOTSUPP',
    line: `Unhandled relocation ${type}`,
    spec: relocated(type, 0, 0n),
  })),
  ...[
    [1, 8, OK],
    [1, 9, 'EINVAL'],
    [1, 16, 'EINVAL'],
    [2, 12, OK],
    [2, 13, 'EINVAL'],
    [4, 12, OK],
    [4, 15, 'EINVAL'],
  ].map(([type, offset, errno]) => ({
    what: `of type ${type} at ${offset} of 16 bytes`,
    errno: errno as string | null,
    line: errno === OK ? null : 'Relative relocation offset is past .rodata.x section',
    spec: relocated(type as number, offset as number, 0n),
  })),
  ...[2, 4].map((type) => ({
    what: `of type ${type} that reaches too far`,
    errno: 'EOVERFLOW',
    line: 'Overflow in relocation 0 in .rela.rodata.x for .rodata.x',
    spec: relocated(type, 0, 1n << 32n),
  })),
  {
    what: 'without a symbol',
    errno: 'EOPNOTSUPP',
    line: 'Encountered STN_UNDEF',
    spec: relocated(0, 0, 0n),
    break: (elf) => elf.u32(elf.data('.rela.rodata.x') + 12, 0),
  },
  {
    what: 'with a symbol past the end',
    errno: 'EINVAL',
    line: 'Relative relocation wants symbol@999 which is past end',
    spec: relocated(1, 0, 0n),
    break: (elf) => elf.u32(elf.data('.rela.rodata.x') + 12, 999),
  },
  {
    what: 'with a symbol that is not loaded',
    errno: 'EINVAL',
    line: 'Relocation against ignored symbol comment cannot be resolved',
    spec: more((builder) => {
      const section = builder.writer.section('.comment', { data: new Uint8Array(8) });
      const target = builder.writer.section('.rodata.x', { flags: SHF_ALLOC, data: new Uint8Array(16) });
      const symbol = builder.writer.symbol('comment', { section });
      builder.writer.relocations(target, [{ offset: 0, type: 1, symbol, addend: 0n }]);
    }),
  },
  {
    what: 'for a section beyond the table: skipped',
    errno: OK,
    line: null,
    spec: relocated(10, 0, 0n),
    break: (elf) => elf.section('.rela.rodata.x', 'info', 999),
  },
  {
    what: 'for a section that is not loaded: skipped',
    errno: OK,
    line: null,
    spec: relocated(10, 0, 0n),
    break: (elf) => elf.section('.rodata.x', 'flags', 0),
  },
  {
    what: 'none at all: skipped before the entry size',
    errno: OK,
    line: null,
    spec: relocated(10, 0, 0n),
    break: (elf) => elf.section('.rela.rodata.x', 'size', 0).section('.rela.rodata.x', 'entsize', 1),
  },
  {
    what: 'half an entry',
    errno: 'EINVAL',
    line: 'Section relative header is corrupted',
    spec: relocated(10, 0, 0n),
    break: (elf) => elf.section('.rela.rodata.x', 'size', 23),
  },
  {
    what: 'without addends',
    errno: 'EOPNOTSUPP',
    line: 'SHT_REL relocation unsupported',
    spec: relocated(1, 0, 0n),
    break: (elf) => elf.section('.rela.rodata.x', 'type', SHT_REL),
  },
];

const TABLES: readonly (readonly [string, readonly Case[]])[] = [
  ['the ELF header', HEADER],
  ['a section', SECTIONS],
  ['a symbol', SYMBOLS],
  ['a relocation', RELOCATIONS],
];

describe.each(['4.17.7', '4.22.0'])('%s', (release) => {
  describe.each(TABLES)('%s', (_what, cases) => {
    it.each(cases.map((each) => [each.what, each] as const))('%s', (_name, each) => run(release, each));
  });
});

describe('a file that is too short', () => {
  it.each([1, 4, 63])('%i bytes', (length) => {
    const outcome = upload(hostWith({}), 'p', payloadFor({}).subarray(0, length));
    expect(outcome).toMatchObject({
      errno: 'EINVAL',
      console: ['livepatch: p: Section header is bigger than payload'],
    });
  });
});
