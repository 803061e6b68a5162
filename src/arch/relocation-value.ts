import type {
  FieldEncoding,
  Relative,
  RelocationField,
  RelocationQuirk,
  RelocationRow,
  ValueRange,
} from './relocation.ts';

/** Range of a signed value of `bits` bits. */
export const signedRange = (bits: number): ValueRange => ({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });

/** Range of an unsigned value of `bits` bits. */
export const unsignedRange = (bits: number): ValueRange => ({ min: 0, max: 2 ** bits - 1 });

/** Range of a value that is stored in `bits` bits and may be read as signed or as unsigned. */
export const eitherRange = (bits: number): ValueRange => ({ min: -(2 ** (bits - 1)), max: 2 ** bits - 1 });

/** Tells whether a value is in a range; `null` is every value. */
export const inRange = (range: ValueRange | null, value: bigint | number): boolean =>
  range === null || (value >= range.min && value <= range.max);

/** Returns the range that Xen checks for a row, which may differ from the ABI's. */
export const checkedRange = ({ range, quirk }: RelocationRow): ValueRange | null =>
  quirk?.kind === 'range' ? quirk.checked : range;

/** Makes a row that stores the value itself, in `width` bytes. */
export const dataRow = (
  type: number,
  name: string,
  relative: Relative,
  width: RelocationRow['width'],
  range: ValueRange | null = null,
  pcOffset = 0,
): RelocationRow => ({ type, name, relative, width, range, alignment: 1, field: null, pcOffset, quirk: null });

/** Returns the bits of a field in an instruction, as an unsigned number. */
export function extractField({ parts, bits }: RelocationField, word: number): number {
  let raw = 0;
  let got = 0;
  for (const part of parts) {
    raw |= ((word >>> part.at) & (2 ** part.bits - 1)) << got;
    got += part.bits;
  }
  return raw & (2 ** bits - 1);
}

/** Returns the instruction with `value` in its field. Truncates the value without a range check. */
export function insertField({ lsb, bits, parts }: RelocationField, word: number, value: bigint): number {
  let left = Number(BigInt.asUintN(bits, value >> BigInt(lsb)));
  let inserted = word;
  for (const part of parts) {
    const mask = 2 ** part.bits - 1;
    inserted = (inserted & ~(mask << part.at)) | ((left & mask) << part.at);
    left >>>= part.bits;
  }
  return inserted >>> 0;
}

/** Returns the implicit addend of a REL entry: the word at the place, or the signed value of its field. */
export function implicitAddend({ field, alignment }: RelocationRow, word: number): number {
  if (field === null) return word | 0;
  const unused = 32 - field.bits;
  return ((extractField(field, word) << unused) >> unused) * alignment;
}

/** An instruction to relocate. */
export interface RelocatedPlace {
  /** The instruction before relocation. */
  readonly word: number;
  /** S + A minus the row's base, as a signed value of the architecture's width. */
  readonly value: bigint;
  readonly addend: bigint;
}

/** A relocated instruction. */
export interface PlacedValue {
  /** The instruction that Xen stores, even if the value overflows. */
  readonly word: number;
  /** The value is outside the range that Xen checks, so the upload fails. */
  readonly overflow: boolean;
  /** Set if Xen accepts the relocation but its result differs from the ABI's. */
  readonly quirk: RelocationQuirk | null;
}

const MOVZ = 2 << 29;
const OPCODE_MASK = 3 << 29;

type Encode = (field: RelocationField, place: RelocatedPlace, overflow: boolean) => number;

const ENCODE: Readonly<Record<FieldEncoding, Encode>> = {
  replace: (field, { word, value }) => insertField(field, word, value),
  'movz-or-movn': (field, { word, value }) =>
    value >= 0n
      ? insertField(field, (word & ~OPCODE_MASK) | MOVZ, value)
      : insertField(field, word & ~OPCODE_MASK, ~value),
  merge(field, { word, value, addend }, overflow) {
    const cleared = addend === 0n ? word : insertField(field, word, 0n);
    return (overflow ? cleared : cleared | insertField(field, 0, value)) >>> 0;
  },
};

/** Relocates an instruction as Xen does: arch_livepatch_perform_rela and its helpers, for a row with a field. */
export function relocateInstruction(row: RelocationRow, field: RelocationField, place: RelocatedPlace): PlacedValue {
  const { quirk, range } = row;
  const overflow = !inRange(checkedRange(row), place.value);
  let { value } = place;
  if (quirk?.kind === 'lost-bit') value &= ~BigInt(quirk.bit);
  else if (quirk?.kind === 'no-addend') value -= place.addend;
  const word = ENCODE[field.encoding](field, { ...place, value }, overflow);
  if (quirk === null || overflow) return { word, overflow, quirk: null };
  const differs =
    quirk.kind === 'range'
      ? !inRange(range, value)
      : quirk.kind === 'no-addend'
        ? place.addend !== 0n
        : value !== place.value && ((extractField(field, word) << field.lsb) & quirk.bit) === 0;
  return { word, overflow, quirk: differs ? quirk : null };
}
