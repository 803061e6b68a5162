import type { Field, Instruction, Operand } from '../../src/arch/index.ts';
import { viewOf } from '../../src/base/index.ts';
import type { XenArch } from '../../src/xen/index.ts';
import type { DumpedLine } from './objdump-lines.ts';

/** A number that objdump prints and the number that is encoded where an operand is said to be; `null` where one of them is missing. */
export type ValuePair = readonly [printed: bigint | null, encoded: bigint | null];

/** Pairs what objdump prints with what the fields of our operands hold, decoded by nothing but the field and objdump's mnemonic. */
export type PairValues = (line: DumpedLine, instruction: Instruction, bytes: Uint8Array) => ValuePair[];

/** The value that is encoded in a field, without a sign. */
export function rawField(bytes: Uint8Array, field: Field): bigint {
  let value = 0n;
  let shift = 0n;
  for (const { at, bits } of field) {
    for (let i = at; i < at + bits; i++, shift++) value |= BigInt(((bytes[i >> 3] ?? 0) >> (i & 7)) & 1) << shift;
  }
  return value;
}

const width = (field: Field): number => field.reduce((sum, { bits }) => sum + bits, 0);
const signedField = (bytes: Uint8Array, field: Field): bigint => BigInt.asIntN(width(field), rawField(bytes, field));

const zip = (printed: readonly bigint[], encoded: readonly bigint[]): ValuePair[] =>
  Array.from({ length: Math.max(printed.length, encoded.length) }, (_, i) => [printed[i] ?? null, encoded[i] ?? null]);

/** Pairs of numbers without signs: objdump prints some of them with one, and others without. */
const cut = (pairs: readonly ValuePair[], bits: number): ValuePair[] =>
  pairs.map(([a, b]) => [a && BigInt.asUintN(bits, a), b && BigInt.asUintN(bits, b)]);

type WithField = Operand & { readonly field: Field };
const withField = (instruction: Instruction): WithField[] =>
  instruction.kind === 'bad'
    ? []
    : instruction.operands.filter((operand): operand is WithField => 'field' in operand && operand.field !== null);

const parsed = (text: string): bigint => (text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text));

/** x86: objdump prints fields as they are, cut to the size of the operand, and places of branches. */
const x86: PairValues = (line, instruction, bytes) => {
  const branch = /^(?:(?:notrack|bnd|data16|cs|ds) )*(?:j\w+|call|loop\w*|xbegin)(?:,p[tn])? +([0-9a-f]+)$/.exec(
    line.text,
  );
  const printed =
    branch === null
      ? [...line.text.matchAll(/-?0x[0-9a-f]+/g)].map(([hex]) => parsed(hex))
      : [BigInt(`0x${branch[1]}`)];
  const encoded = withField(instruction).map((operand, i) => {
    const value = signedField(bytes, operand.field);
    if (operand.kind === 'target') return BigInt.asUintN(64, line.address + BigInt(operand.countsFrom) + value);
    const shown = printed[i];
    const same = [8, 16, 32, 64].some((bits) => bits >= width(operand.field) && shown === BigInt.asUintN(bits, value));
    return same && shown !== undefined ? shown : value;
  });
  return zip(printed, encoded);
};

/** Numbers behind the operands' own: amounts of shifts and extensions. */
const AMOUNT = /(, ?)(?:lsl|lsr|asr|ror|msl|[us]xt[bhwx]) #\d+/g;

/** Decodes a bitmask immediate. Source: ARM DDI 0487, DecodeBitMasks. */
function bitmask(raw: bigint, size: bigint): bigint {
  const [imms, immr, n] = [raw & 63n, (raw >> 6n) & 63n, raw >> 12n];
  let length = 6n;
  const combined = (n << 6n) | (~imms & 63n);
  while (length > 0n && ((combined >> length) & 1n) === 0n) length--;
  const element = 1n << length;
  const ones = (imms & (element - 1n)) + 1n;
  const turn = immr & (element - 1n);
  const run = (1n << ones) - 1n;
  const turned = ((run >> turn) | (run << (element - turn))) & ((1n << element) - 1n);
  let value = 0n;
  for (let at = 0n; at < size; at += element) value |= turned << at;
  return value;
}

/** Bytes that a load or store of arm64 moves at once, by its mnemonic and its first register: what its offset is a multiple of. */
function a64Scale(mnemonic: string, text: string): bigint {
  if (/^ldp?r?sw/.test(mnemonic)) return 4n;
  if (/b$/.test(mnemonic)) return 1n;
  if (/h$/.test(mnemonic)) return 2n;
  const register = /^\S+ +(?:w\d+, )?\{?([a-z])/.exec(text)?.[1] ?? '';
  return { b: 1n, h: 2n, w: 4n, s: 4n, x: 8n, d: 8n, q: 16n, l: 8n }[register] ?? 0n;
}

const a64: PairValues = (line, instruction, bytes) => {
  const { text, address } = line;
  const [mnemonic = ''] = text.split(' ');
  const word = viewOf(bytes).getUint32(0, true);
  const size = word >>> 31 === 1 ? 64n : 32n;
  const target = / ([0-9a-f]{6,})$/.exec(text)?.[1];
  const shown = text.replace(AMOUNT, '').replace(/ [0-9a-f]{6,}$/, '');
  const printed = [...shown.matchAll(/#(-?(?:0x[0-9a-f]+|\d+))/g)].map((found) => parsed(found[1] as string));
  if (target !== undefined) printed.push(BigInt(`0x${target}`));
  const fields = withField(instruction);
  const encoded = fields.flatMap((operand, i): bigint[] => {
    const { field } = operand;
    const [raw, signed] = [rawField(bytes, field), signedField(bytes, field)];
    if (operand.kind === 'target') return [BigInt.asUintN(64, address + 4n * signed)];
    if (operand.kind === 'memory' && operand.relative !== null) {
      if (mnemonic === 'adr') return [address + signed];
      const place = mnemonic === 'adrp' ? (address & ~0xfffn) + (signed << 12n) : address + 4n * signed;
      return [BigInt.asUintN(64, place)];
    }
    const ofMemory = operand.kind === 'memory' || text.includes('[');
    // An offset of 0 is not printed.
    if (operand.kind === 'memory' && raw === 0n && printed.length === 0) return [];
    if (ofMemory && width(field) === 12) return [raw * a64Scale(mnemonic, text)];
    if (ofMemory && width(field) === 7) return [signed * a64Scale(mnemonic, text)];
    if (ofMemory) return [signed];
    if (width(field) === 13) return [bitmask(raw, size)];
    if (width(field) === 16 && (mnemonic === 'mov' || mnemonic === 'movz' || mnemonic === 'movn')) {
      const value = raw << BigInt(16 * ((word >>> 21) & 3));
      const inverted = ((word >>> 29) & 3) === 0;
      return [mnemonic === 'mov' && inverted ? BigInt.asIntN(Number(size), ~value) : value];
    }
    const [immr, imms] = [BigInt((word >>> 16) & 63), BigInt((word >>> 10) & 63)];
    const turned = (size - immr) % size;
    if (mnemonic === 'lsl') return [turned];
    if (/^(?:[us]bfiz|bfi|bfc)$/.test(mnemonic)) return [i === 0 ? turned : imms + 1n];
    if (/^(?:[us]bfx|bfxil)$/.test(mnemonic)) return [i === 0 ? immr : imms - immr + 1n];
    return [raw];
  });
  return cut(zip(printed, encoded), Number(size));
};

/** The constant that twelve bits stand for: eight, turned right by twice the other four. Source: ARM DDI 0406C, A5.2.4. */
function turned(raw: bigint): bigint {
  const by = 2n * (raw >> 8n);
  const eight = raw & 0xffn;
  return ((eight >> by) | (eight << (32n - by))) & 0xffff_ffffn;
}

const a32: PairValues = (line, instruction, bytes) => {
  const { text, address } = line;
  const [mnemonic = ''] = text.split(' ');
  const word = viewOf(bytes).getUint32(0, true);
  const moved = /^(?:mcr|mrc)2?[a-z]*$/.test(mnemonic);
  const pair = /^(?:mcrr|mrrc)/.test(mnemonic);
  const target = /^bl?x?[a-z]* +([0-9a-f]+)$/.exec(text)?.[1];
  // Branches have nothing else; of moves to coprocessors the first number is the coprocessor's.
  const numbers =
    target !== undefined
      ? []
      : moved || pair
        ? [...text.matchAll(/[ {](\d+)(?=[,}])/g)].slice(1).map((found) => BigInt(found[1] as string))
        : [...text.replace(AMOUNT, '').matchAll(/(?:#|smc )(-?(?:0x[0-9a-f]+|\d+))/g)].map((found) =>
            parsed(found[1] as string),
          );
  const printed = target === undefined ? numbers : [BigInt(`0x${target}`)];
  const encoded = withField(instruction).flatMap((operand, i): bigint[] => {
    const { field } = operand;
    const raw = rawField(bytes, field);
    if (operand.kind === 'target') return [BigInt.asUintN(32, address + 8n + 4n * signedField(bytes, field))];
    const ofMemory = text.includes('[');
    if (ofMemory && raw === 0n && printed.length === 0) return [];
    if (ofMemory) return [((word >>> 23) & 1) === 1 ? raw : -raw];
    if (width(field) === 12) return [turned(raw)];
    if (/^[us]bfx/.test(mnemonic)) return [i === 0 ? raw : raw + 1n];
    if (/^bf[ic]/.test(mnemonic)) return [i === 0 ? raw : raw + 1n - BigInt((word >>> 7) & 31)];
    if (/^(?:lsr|asr)/.test(mnemonic) && raw === 0n) return [32n];
    return [/^ssat/.test(mnemonic) ? raw + 1n : raw];
  });
  return cut(zip(printed, encoded), 32);
};

export const PAIRS: Readonly<Record<XenArch, PairValues>> = { x86_64: x86, arm64: a64, arm32: a32 };
