import type { ElfFile, ElfSection } from '../elf/index.ts';
import {
  ALT_CALL,
  ALT_CALL_LEN,
  ALT_INSTR,
  ALT_INSTR_ARM,
  ELF_ALT_CALL_SITES,
  ELF_ALTINSTRUCTIONS,
  ELF_EX_TABLE,
  EX_TABLE_ENTRY,
  X86_FEATURE_ALWAYS,
} from '../xen/index.ts';
import { type EntryTable, readEntries } from './entry-table.ts';
import { bytesAt, type PayloadPointer, type PointerReader } from './pointer.ts';

/** One `struct alt_instr` of any architecture. Lengths are in bytes. */
export interface PayloadAlternative {
  /** Bytes from the start of `.altinstructions`. */
  readonly offset: number;
  readonly orig: PayloadPointer;
  /** The replacement; for an Arm callback entry, the function to call. */
  readonly repl: PayloadPointer;
  /** All 16 bits; the meaning of bit 15 depends on the release. */
  readonly feature: number;
  readonly origLen: number;
  readonly replLen: number;
  /** 0 on Arm, which has no padding. */
  readonly padLen: number;
  /** Xen's own byte, 0 in a valid file; 0 on Arm. */
  readonly priv: number;
  /** Whether 4.13 … 4.20 make this indirect call direct; since 4.21 `.alt_call_sites` lists such calls. */
  readonly altCall: boolean;
}

/** One `struct alt_call`: the indirect call that Xen will make direct. */
export interface PayloadAltCall {
  readonly offset: number;
  readonly site: PayloadPointer;
}

/** One exception table entry. */
export interface PayloadExEntry {
  readonly offset: number;
  /** The instruction that may fault. */
  readonly addr: PayloadPointer;
  /** Where execution continues. */
  readonly cont: PayloadPointer;
}

type PointersOf = (section: ElfSection) => PointerReader;

/** Reads the section's entries for one architecture. */
export type AlternativesReader = (file: ElfFile, pointers: PointerReader) => EntryTable<PayloadAlternative>;

export const readX86Alternatives: AlternativesReader = (file, pointers) =>
  readEntries(pointers, ALT_INSTR.size, (offset) => {
    const raw = ALT_INSTR.read(pointers.view, offset);
    const orig = pointers.relative(offset + ALT_INSTR.at.orig_offset);
    const repl = pointers.relative(offset + ALT_INSTR.at.repl_offset);
    return {
      offset,
      orig,
      repl,
      feature: raw.cpuid,
      origLen: raw.orig_len,
      replLen: raw.repl_len,
      padLen: raw.pad_len,
      priv: raw.priv,
      altCall:
        raw.cpuid === X86_FEATURE_ALWAYS &&
        raw.orig_len >= ALT_CALL_LEN &&
        raw.repl_len >= 5 &&
        isAltCall(bytesAt(file, orig, 2), bytesAt(file, repl, 5)),
    };
  });

/**
 * Whether an entry replaces `call *disp(%rip)` by a `call` to itself, or does so with `jmp`: only the marker of 4.13 … 4.20 has that form.
 * Source: asm-x86/alternative.h, ALTERNATIVE_CALL; arch/x86/alternative.c, _apply_alternatives (67d01cdb55).
 */
function isAltCall(orig: Uint8Array, repl: Uint8Array): boolean {
  const opcode = repl[0];
  const modrm = opcode === 0xe8 ? 0x15 : opcode === 0xe9 ? 0x25 : undefined;
  const toItself = repl[1] === 0xfb && repl[2] === 0xff && repl[3] === 0xff && repl[4] === 0xff;
  return toItself && orig[0] === 0xff && orig[1] === modrm;
}

export const readArmAlternatives: AlternativesReader = (_file, pointers) =>
  readEntries(pointers, ALT_INSTR_ARM.size, (offset) => {
    const raw = ALT_INSTR_ARM.read(pointers.view, offset);
    return {
      offset,
      orig: pointers.relative(offset + ALT_INSTR_ARM.at.orig_offset),
      repl: pointers.relative(offset + ALT_INSTR_ARM.at.repl_offset),
      feature: raw.cpufeature,
      origLen: raw.orig_len,
      replLen: raw.repl_len,
      padLen: 0,
      priv: 0,
      altCall: false,
    };
  });

/** Reads `.altinstructions`, if it exists. */
export function readAlternatives(
  file: ElfFile,
  pointersOf: PointersOf,
  read: AlternativesReader,
): EntryTable<PayloadAlternative> | undefined {
  const section = file.section(ELF_ALTINSTRUCTIONS);
  return section && read(file, pointersOf(section));
}

/** Reads `.alt_call_sites`, if it exists. */
export function readAltCalls(file: ElfFile, pointersOf: PointersOf): EntryTable<PayloadAltCall> | undefined {
  const section = file.section(ELF_ALT_CALL_SITES);
  if (section === undefined) return undefined;
  const pointers = pointersOf(section);
  return readEntries(pointers, ALT_CALL.size, (offset) => ({ offset, site: pointers.relative(offset) }));
}

/** Reads `.ex_table`, if it exists, in file order; Xen sorts it when it loads the payload. */
export function readExTable(file: ElfFile, pointersOf: PointersOf): EntryTable<PayloadExEntry> | undefined {
  const section = file.section(ELF_EX_TABLE);
  if (section === undefined) return undefined;
  const pointers = pointersOf(section);
  return readEntries(pointers, EX_TABLE_ENTRY.size, (offset) => ({
    offset,
    addr: pointers.relative(offset + EX_TABLE_ENTRY.at.addr),
    cont: pointers.relative(offset + EX_TABLE_ENTRY.at.cont),
  }));
}
