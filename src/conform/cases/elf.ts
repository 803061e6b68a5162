import { EM_AARCH64, ET_EXEC, SHT_NOBITS } from '../../elf/index.ts';
import type { EditSpec, EditValue, PayloadSpec, SectionSpec } from '../../synth/index.ts';
import { LIVEPATCH_MAX_SIZE } from '../../xen/index.ts';
import type { ConformCase } from '../case.ts';

/** Cases about the file: header, sections, symbol table, relocations, sizes. */

const upload = (name: string, payload: PayloadSpec): ConformCase => ({
  name,
  payloads: { p: payload },
  steps: [{ upload: 'p' }],
});
const edited = (name: string, ...edits: EditSpec[]): ConformCase => upload(name, { edits });
const header = (name: string, ehdr: string, value: EditValue): ConformCase => edited(`header-${name}`, { ehdr, value });
const section = (name: string, of: string, field: string, value: EditValue): ConformCase =>
  edited(`section-${name}`, { section: of, field, value });

/** `new - .` and a pointer, each filled by a relocation. */
const related: SectionSpec = {
  name: '.data.rel',
  flags: 'AW',
  size: 16,
  align: 8,
  fields: [
    { at: 0, symbol: 'lp_new_fn' },
    { at: 8, symbol: 'lp_new_fn', type: 2 },
  ],
};
const RELA = '.rela.data.rel';
const relocated = (name: string, ...edits: EditSpec[]): ConformCase =>
  upload(`relocation-${name}`, { sections: [related], edits });

const headerCases: readonly ConformCase[] = [
  upload('file-short', { raw: '7f454c46' }),
  upload('file-not-elf', { raw: '00'.repeat(64) }),
  edited('file-cut-64', { truncate: 64 }),
  edited('file-cut-512', { truncate: 512 }),
  edited('file-cut-last-byte', { truncate: -1 }),
  edited('file-2MiB', { growTo: LIVEPATCH_MAX_SIZE }),
  edited('file-over-2MiB', { growTo: LIVEPATCH_MAX_SIZE + 1 }),
  edited('ident-magic', { ident: 1, value: 0x46 }),
  edited('ident-class-1', { ident: 4, value: 1 }),
  edited('ident-data-2', { ident: 5, value: 2 }),
  edited('ident-osabi-3', { ident: 7, value: 3 }),
  header('type-exec', 'e_type', ET_EXEC),
  header('machine-arm64', 'e_machine', EM_AARCH64),
  header('version-2', 'e_version', 2),
  header('phnum-1', 'e_phnum', 1),
  header('shstrndx-0', 'e_shstrndx', 0),
  header('shstrndx-shnum', 'e_shstrndx', { shnum: 0 }),
  header('shnum-1024', 'e_shnum', 1024),
  header('shnum-more', 'e_shnum', { shnum: 1 }),
  header('shnum-less', 'e_shnum', { shnum: -1 }),
  header('shentsize-63', 'e_shentsize', 63),
  header('shoff-63', 'e_shoff', 63),
  header('shoff-end', 'e_shoff', { fileSize: 0 }),
  header('shoff-huge', 'e_shoff', { hex: 'ffffffffffffffff' }),
];

const sectionCases: readonly ConformCase[] = [
  section('offset-63', '.text', 'sh_offset', 63),
  section('offset-past-end', '.shstrtab', 'sh_offset', { fileSize: 1 }),
  section('size-past-end', '.text', 'sh_size', { fileSize: 0 }),
  section('size-wraps', '.strtab', 'sh_size', { hex: 'ffffffffffffff80' }),
  section('align-3', '.text', 'sh_addralign', 3),
  section('align-0', '.livepatch.depends', 'sh_addralign', 0),
  section('align-4096', '.text', 'sh_addralign', 4096),
  section('align-2-63-text', '.text', 'sh_addralign', { hex: '8000000000000000' }),
  section('align-2-63-funcs', '.livepatch.funcs', 'sh_addralign', { hex: '8000000000000000' }),
  section('addr-8', '.text', 'sh_addr', 8),
  section('type-0', '.text', 'sh_type', 0),
  section('text-nobits', '.text', 'sh_type', SHT_NOBITS),
  section('wax', '.text', 'sh_flags', 7),
  section('text-not-allocated', '.text', 'sh_flags', 4),
  section('text-not-executable', '.text', 'sh_flags', 2),
  section('name-outside', '.rodata.str1.1', 'sh_name', 0xffff),
  section('symtab-type', '.symtab', 'sh_type', 1),
  section('symtab-offset-odd', '.symtab', 'sh_offset', { offsetOf: '.symtab', plus: 1 }),
  section('symtab-link-0', '.symtab', 'sh_link', 0),
  section('symtab-link-shnum', '.symtab', 'sh_link', { shnum: 0 }),
  section('symtab-entsize-23', '.symtab', 'sh_entsize', 23),
  section('symtab-size-24', '.symtab', 'sh_size', 24),
  section('strtab-type', '.strtab', 'sh_type', 1),
  section('shstrtab-size-0', '.shstrtab', 'sh_size', 0),
  edited('strtab-last-byte', { bytes: '.strtab', at: -1, hex: '41' }),
  edited('shstrtab-last-byte', { bytes: '.shstrtab', at: -1, hex: '41' }),
  upload('section-several-alignments', {
    sections: [
      { name: '.text.b', flags: 'AX', hex: 'c3', align: 64 },
      { name: '.data.a', flags: 'AW', hex: '01' },
      { name: '.data.b', flags: 'AW', hex: '0200', align: 32 },
      { name: '.rodata.c', flags: 'A', hex: '03', align: 128 },
      { name: '.bss.d', flags: 'AW', type: 'nobits', size: 10, align: 256 },
      { name: '.rodata.e', flags: 'A', type: 'nobits', size: 5 },
    ],
  }),
  ...[4096, 4097, LIVEPATCH_MAX_SIZE, LIVEPATCH_MAX_SIZE + 1].map((size) =>
    upload(`bss-${size}`, { sections: [{ name: '.bss', flags: 'AW', type: 'nobits', size }] }),
  ),
  upload('special-section-twice', {
    modinfo: 'first=1\0',
    sections: [{ name: '.modinfx', flags: 'A', hex: '783d3200' }],
    edits: [{ rename: '.modinfx', to: '.modinfo' }],
  }),
];

const relocationCases: readonly ConformCase[] = [
  relocated('sound'),
  ...[0, 3, 5, 9, 10, 11, 24, 42, 0x7fff_ffff].map((value) =>
    relocated(`type-${value}`, { rela: RELA, entry: 0, field: 'type', value }),
  ),
  relocated('plt32', { rela: RELA, entry: 1, field: 'type', value: 4 }),
  relocated('symbol-0', { rela: RELA, entry: 0, field: 'symbol', value: 0 }),
  relocated('symbol-outside', { rela: RELA, entry: 0, field: 'symbol', value: 10_000 }),
  relocated('offset-9-of-16', { rela: RELA, entry: 0, field: 'offset', value: 9 }),
  relocated('offset-huge', { rela: RELA, entry: 0, field: 'offset', value: { hex: 'ffffffffffffffff' } }),
  relocated('overflow', { rela: RELA, entry: 1, field: 'addend', value: { hex: '100000000' } }),
  relocated('addend-64', { rela: RELA, entry: 0, field: 'addend', value: { hex: 'fedcba9876543210' } }),
  relocated('offset-odd', { section: RELA, field: 'sh_offset', value: { offsetOf: RELA, plus: 1 } }),
  relocated('offset-even', { section: RELA, field: 'sh_offset', value: { offsetOf: RELA, plus: 2 } }),
  relocated('link-1', { section: RELA, field: 'sh_link', value: 1 }),
  relocated('info-0', { section: RELA, field: 'sh_info', value: 0 }),
  relocated('info-shnum', { section: RELA, field: 'sh_info', value: { shnum: 0 } }),
  relocated('size-25', { section: RELA, field: 'sh_size', value: 25 }),
  relocated('entsize-16', { section: RELA, field: 'sh_entsize', value: 16 }),
  // Xen resolves symbols in the file's own bytes, before it looks at relocations.
  relocated('entries-in-symbol-table', { section: RELA, field: 'sh_offset', value: { offsetOf: '.symtab', plus: 20 } }),
  relocated('type-rel', { section: RELA, field: 'sh_type', value: 9 }),
  upload('relocations-of-hypervisor-symbols', {
    sections: [
      {
        name: '.data.rel',
        flags: 'AW',
        size: 40,
        align: 8,
        fields: [
          { at: 0, symbol: 'xen_extra_version', addend: 4 },
          { at: 8, symbol: 'boot_cpu_data' },
          { at: 16, symbol: 'printk', type: 2 },
          { at: 20, symbol: 'printk', addend: -4, type: 4 },
          { at: 24, symbol: 'common/livepatch.c#livepatch_printall' },
        ],
      },
    ],
  }),
];

export const ELF_CASES: readonly ConformCase[] = [...headerCases, ...sectionCases, ...relocationCases];
