import { type Address, addOffset, lowWord, viewOf } from '../../base/index.ts';
import { ALT_BUFFER_SIZE, ALT_FLAG_NOT, ALT_INSTR, type Errno, X86_FEATURE_ALWAYS } from '../../xen/index.ts';
import type { AlternativesHost } from '../alternatives.ts';
import { ENDBR64_LEN, isEndbr64 } from './endbr.ts';

const ALT_INSTR_SIZE = ALT_INSTR.size;

/** Value of `priv` in an entry that Xen has processed. */
const MARK = Uint8Array.of(1);

export const RELATIVE_CALL = 0xe8;
export const RELATIVE_JUMP = 0xe9;
const INDIRECT = 0xff;
/** `ud2; ud0`, for an alternative call through a NULL pointer. */
const NULL_CALL = [0x0f, 0x0b, 0x0f, 0xff, 0xff];

/**
 * apply_alternatives: makes one pass over the entries in `[start, end)`, offsets in `memory`.
 * Returns `null`, or the errno of the first bad entry.
 * Source: xen/arch/x86/alternative.c, _apply_alternatives.
 */
export function applyAlternatives(host: AlternativesHost, start: number, end: number): Errno | null {
  const { memory, rules } = host;
  const count = Math.max(0, Math.floor((end - start) / ALT_INSTR_SIZE));
  // Read the table at once: the image has more than 4000 entries.
  const table = viewOf(memory.read(start, count * ALT_INSTR_SIZE));
  const alt: Replacement = { cpuid: 0, orig: 0, repl: 0, origLength: 0, replLength: 0 };
  /** Reused buffers, by length. Each use overwrites all bytes. */
  const buffers: Uint8Array[] = [];
  let base = start;
  let baseOrig = Number.NaN;
  /** `priv` of the entry at `base`: 4.11 and 4.12 mark the first entry of a run. */
  let baseMark = 0;
  for (let i = 0, a = start; i < count; i++, a += ALT_INSTR_SIZE) {
    const at = i * ALT_INSTR_SIZE;
    const orig = a + table.getInt32(at, true);
    const repl = a + 4 + table.getInt32(at + 4, true);
    const cpuid = table.getUint16(at + 8, true);
    const origLength = table.getUint8(at + 10);
    const replLength = table.getUint8(at + 11);
    const padLength = table.getUint8(at + 12);
    const priv = table.getUint8(at + 13);
    const total = origLength + padLength;
    const feature = rules.inverted ? cpuid & ~ALT_FLAG_NOT : cpuid;
    const inverted = rules.inverted && (cpuid & ALT_FLAG_NOT) !== 0;

    if (replLength > total || total > ALT_BUFFER_SIZE || feature >= rules.featureLimit) {
      const errno = checkEntry(host, orig, replLength, total, feature);
      if (errno !== null) return errno;
    }

    if (baseOrig !== orig) {
      base = a;
      baseOrig = orig;
      baseMark = priv;
    }
    if (rules.privSkips && priv !== 0) continue;

    if (host.hasFeature(feature) === inverted) {
      if (baseMark !== 0) continue;
      memory.write(a + 13, MARK);
      if (base === a) baseMark = 1;
      if ((rules.toolchainNops && host.toolchainNopsIdeal) || padLength <= 1) continue;
      memory.write(orig + origLength, host.nops(padLength));
      continue;
    }

    if (replLength === 0) {
      // The most common case.
      memory.write(a + 13, MARK);
      if (base === a) baseMark = 1;
      memory.write(orig, host.nops(total));
      continue;
    }
    buffers[total] ??= new Uint8Array(total);
    const buffer = buffers[total] as Uint8Array;
    memory.copy(repl, replLength, buffer);
    alt.cpuid = cpuid;
    alt.orig = orig;
    alt.repl = repl;
    alt.origLength = origLength;
    alt.replLength = replLength;
    if (!relocateReplacement(host, alt, buffer)) continue;
    memory.write(a + 13, MARK);
    if (base === a) baseMark = 1;
    if (total > replLength) buffer.set(host.nops(total - replLength), replLength);
    memory.write(orig, buffer);
  }
  return null;
}

/** The three conditions that were BUG_ON()s before aa5a06d5d6 made them errors. */
function checkEntry(
  host: AlternativesHost,
  orig: number,
  replLength: number,
  total: number,
  feature: number,
): Errno | null {
  const { rules } = host;
  let failed: { index: 0 | 1 | 2; errno: Errno; template: string; args: number[] } | undefined;
  if (replLength > total) {
    const template = 'Alt for %s, replacement size %#x larger than origin %#x';
    failed = { index: 0, errno: 'ENOSPC', template, args: [replLength, total] };
  } else if (total > ALT_BUFFER_SIZE) {
    const template = 'Alt for %s, origin size %#x bigger than buffer %#zx';
    failed = { index: 1, errno: 'ENOSPC', template, args: [total, ALT_BUFFER_SIZE] };
  } else if (feature >= rules.featureLimit) {
    const template = 'Alt for %s, feature %#x outside of featureset range %#x';
    failed = { index: 2, errno: 'ERANGE', template, args: [feature, rules.featureLimit] };
  }
  if (failed === undefined) return null;
  const symbol = host.symbol(addOffset(host.memory.base, orig));
  if (rules.badEntry === 'bug') {
    host.bug(
      failed.index,
      `an alternative for ${symbol}: ${failed.args.map((n) => `0x${n.toString(16)}`).join(' against ')}`,
    );
  }
  host.log('ERR', failed.template, symbol, ...failed.args);
  return failed.errno;
}

/** The current entry; one object reused for all. */
interface Replacement {
  cpuid: number;
  orig: number;
  repl: number;
  origLength: number;
  replLength: number;
}

/** Retargets the relative branch of a replacement. Returns false to leave the entry for a later pass. */
function relocateReplacement(host: AlternativesHost, alt: Replacement, buffer: Uint8Array): boolean {
  const { orig, repl, replLength } = alt;
  const opcode = buffer[0];
  if (replLength >= 5 && (opcode === RELATIVE_CALL || opcode === RELATIVE_JUMP)) {
    if (host.rules.altCalls === 'alt_instr' && isAltCall(host, alt, buffer)) return altCall(host, alt, buffer);
    setI32(buffer, 1, (i32(buffer, 1) + repl - orig) | 0);
  } else if (host.rules.returnThunkFixup && host.returnThunk !== undefined && replLength > 5) {
    const tail = replLength - 5;
    const target = addOffset(host.memory.base, repl + replLength + i32(buffer, tail + 1));
    if (buffer[tail] === RELATIVE_JUMP && target === host.returnThunk) {
      setI32(buffer, tail + 1, (i32(buffer, tail + 1) + repl - orig) | 0);
    }
  }
  return true;
}

/** Tells whether an entry turns an indirect call or jump into a direct one: its replacement jumps to itself. 67d01cdb55 (4.13). */
function isAltCall(host: AlternativesHost, alt: Replacement, buffer: Uint8Array): boolean {
  if (alt.cpuid !== X86_FEATURE_ALWAYS || i32(buffer, 1) !== -5 || alt.origLength < 6) return false;
  const original = host.memory.read(alt.orig, 2);
  return original[0] === INDIRECT && original[1] === (buffer[0] === RELATIVE_JUMP ? 0x25 : 0x15);
}

function altCall(host: AlternativesHost, alt: Replacement, buffer: Uint8Array): boolean {
  const { memory } = host;
  const pointer = addOffset(memory.base, alt.orig + 6 + memory.readI32(alt.orig + 2));
  let dest = host.readPointer(pointer);
  if (dest === 0n) {
    if (host.nullCalls === 'defer') return false;
    buffer.set(NULL_CALL);
    return true;
  }
  const orig = addOffset(memory.base, alt.orig);
  dest = behindEndbr(host, orig, dest, 'altcall %s dest %s has no endbr64');
  setI32(buffer, 1, lowWord(dest - addOffset(orig, 5)) | 0);
  return true;
}

/** Returns the address after `dest`'s ENDBR64 in builds with CONFIG_XEN_IBT; logs a warning if there is none. */
export function behindEndbr(
  host: Pick<AlternativesHost, 'rules' | 'ibtBuild' | 'read' | 'log' | 'symbol'>,
  orig: Address,
  dest: Address,
  template: string,
): Address {
  if (!host.rules.altCallSkipsEndbr || !host.ibtBuild) return dest;
  if (isEndbr64(host.read(dest, ENDBR64_LEN))) return addOffset(dest, ENDBR64_LEN);
  host.log('WARNING', template, host.symbol(orig), host.symbol(dest));
  return dest;
}

const i32 = (bytes: Uint8Array, at: number): number =>
  (bytes[at] as number) |
  ((bytes[at + 1] as number) << 8) |
  ((bytes[at + 2] as number) << 16) |
  ((bytes[at + 3] as number) << 24);

function setI32(bytes: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = (value >> (8 * i)) & 0xff;
}
