import { viewOf } from '../../src/base/index.ts';
import { ELF64, isProblem, readElf, SHT_NOTE, SHT_RELA } from '../../src/elf/index.ts';

/** Mutations of single fields in ELF files, with values that no tool emits. */

/** One field of a file: its offset, its size in bytes, and its name in messages. */
export interface Field {
  readonly name: string;
  readonly at: number;
  readonly width: 1 | 2 | 4 | 8;
}

export interface Mutation {
  readonly name: string;
  readonly bytes: Uint8Array;
}

type Width = Field['width'];

const EHDR: readonly (readonly [string, number, Width])[] = [
  ['e_type', 16, 2],
  ['e_machine', 18, 2],
  ['e_version', 20, 4],
  ['e_entry', 24, 8],
  ['e_phoff', 32, 8],
  ['e_shoff', 40, 8],
  ['e_flags', 48, 4],
  ['e_ehsize', 52, 2],
  ['e_phentsize', 54, 2],
  ['e_phnum', 56, 2],
  ['e_shentsize', 58, 2],
  ['e_shnum', 60, 2],
  ['e_shstrndx', 62, 2],
];
const SHDR: readonly (readonly [string, number, Width])[] = [
  ['sh_name', 0, 4],
  ['sh_type', 4, 4],
  ['sh_flags', 8, 8],
  ['sh_addr', 16, 8],
  ['sh_offset', 24, 8],
  ['sh_size', 32, 8],
  ['sh_link', 40, 4],
  ['sh_info', 44, 4],
  ['sh_addralign', 48, 8],
  ['sh_entsize', 56, 8],
];
const SYM: readonly (readonly [string, number, Width])[] = [
  ['st_name', 0, 4],
  ['st_info', 4, 1],
  ['st_shndx', 6, 2],
  ['st_value', 8, 8],
  ['st_size', 16, 8],
];
const RELA: readonly (readonly [string, number, Width])[] = [
  ['r_offset', 0, 8],
  ['r_type', 8, 4],
  ['r_symbol', 12, 4],
  ['r_addend', 16, 8],
];
const NOTE: readonly (readonly [string, number, Width])[] = [
  ['n_namesz', 0, 4],
  ['n_descsz', 4, 4],
  ['n_type', 8, 4],
];
/** struct livepatch_func, 64-bit, version 2. */
const FUNC: readonly (readonly [string, number, Width])[] = [
  ['name', 0, 8],
  ['new_addr', 8, 8],
  ['old_addr', 16, 8],
  ['new_size', 24, 4],
  ['old_size', 28, 4],
  ['version', 32, 1],
  ['opaque', 33, 8],
  ['opaque.applied', 64, 1],
  ['expect.flags', 72, 1],
  ['expect.data', 73, 8],
];

/** Fields of the file by structure. The offsets are from the ELF specification and sysctl.h. */
export function fieldsOf(bytes: Uint8Array): Record<'ehdr' | 'shdr' | 'sym' | 'rela' | 'note' | 'func', Field[]> {
  const elf = readElf(bytes);
  if (isProblem(elf)) throw new Error(elf.message);
  const rows = (what: string, at: number, table: readonly (readonly [string, number, Width])[]): Field[] =>
    table.map(([name, offset, width]) => ({ name: `${what}.${name}`, at: at + offset, width }));
  const found = { ehdr: rows('ehdr', 0, EHDR), shdr: [], sym: [], rela: [], note: [], func: [] } as Record<
    'ehdr' | 'shdr' | 'sym' | 'rela' | 'note' | 'func',
    Field[]
  >;
  for (const section of elf.sections) {
    found.shdr.push(...rows(`${section.index}:${section.name}`, section.headerOffset, SHDR));
    const each = (size: number, into: Field[], table: typeof SHDR) => {
      for (let at = 0; at + size <= section.size; at += size) {
        into.push(...rows(`${section.name}+${at}`, section.offset + at, table));
      }
    };
    if (section.name === '.symtab') each(ELF64.sym.size, found.sym, SYM);
    if (section.type === SHT_RELA) each(ELF64.rela.size, found.rela, RELA);
    if (section.type === SHT_NOTE) found.note.push(...rows(section.name, section.offset, NOTE));
    if (section.name === '.livepatch.funcs') each(104, found.func, FUNC);
  }
  return found;
}

/** Values that break arithmetic: limits of the integer types, the file's size, addresses of the hypervisor. */
export const wildValues = (fileSize: number): readonly bigint[] => [
  0n,
  1n,
  3n,
  0x7fn,
  0x1000n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 0x1000n,
  2n ** 64n - 64n,
  2n ** 64n - 1n,
  BigInt(fileSize - 1),
  BigInt(fileSize),
  BigInt(fileSize + 1),
  0xffff_82d0_4020_0000n,
  0xffff_82c0_0021_e000n,
];

/** Returns a copy with one field overwritten. */
export function withField(bytes: Uint8Array, field: Field, value: bigint): Uint8Array {
  const copy = bytes.slice();
  const view = viewOf(copy);
  if (field.width === 8) view.setBigUint64(field.at, BigInt.asUintN(64, value), true);
  else if (field.width === 4) view.setUint32(field.at, Number(BigInt.asUintN(32, value)), true);
  else if (field.width === 2) view.setUint16(field.at, Number(BigInt.asUintN(16, value)), true);
  else view.setUint8(field.at, Number(BigInt.asUintN(8, value)));
  return copy;
}

export function readField(bytes: Uint8Array, field: Field): bigint {
  const view = viewOf(bytes);
  if (field.width === 8) return view.getBigUint64(field.at, true);
  if (field.width === 4) return BigInt(view.getUint32(field.at, true));
  return BigInt(field.width === 2 ? view.getUint16(field.at, true) : view.getUint8(field.at));
}

/** Returns every field with every wild value, and with its own value plus and minus one. */
export function* wildFields(bytes: Uint8Array, fields: readonly Field[]): Generator<Mutation> {
  for (const field of fields) {
    const now = readField(bytes, field);
    const bits = field.width * 8;
    const values = new Set(
      [...wildValues(bytes.length), now + 1n, now - 1n, -now].map((value) => BigInt.asUintN(bits, value)),
    );
    values.delete(now);
    for (const value of values) {
      yield { name: `${field.name} = 0x${value.toString(16)}`, bytes: withField(bytes, field, value) };
    }
  }
}
