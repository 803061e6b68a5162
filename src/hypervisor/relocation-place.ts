import {
  implicitAddend as addendOf,
  type RelocationField,
  type RelocationRow,
  relocateInstruction,
} from '../arch/index.ts';
import { type Address, lowWord, type Place } from '../base/index.ts';
import type { RuleId } from '../catalogue/index.ts';
import { checkAligned } from './aligned-access.ts';
import type { LoaderElf, LoaderSection } from './elf-load.ts';
import { type Hypervisor, report } from './hypervisor.ts';

/** The target of one section's relocations. */
export interface RelocationTarget {
  readonly hv: Hypervisor;
  readonly elf: LoaderElf;
  readonly target: LoaderSection;
  readonly rela: LoaderSection;
  /** Address and size of the loaded section in bytes. */
  readonly base: Address;
  readonly size: number;
  /** The section's memory; `null` if it is not in one piece. */
  readonly memory: DataView<ArrayBufferLike> | null;
  /** Number of reports per quirk in this section. */
  readonly quirks: Map<string, number>;
}

/** Most findings of one rule per relocation section: a payload may have ten thousand. */
const MOST_FINDINGS = 10;

/** Returns the address of a place, in the architecture's arithmetic. */
function addressOf({ hv, base }: RelocationTarget, offset: number): Address {
  return BigInt.asUintN(hv.arch.elf.pointerSize * 8, base + BigInt(offset));
}

function readWord(place: RelocationTarget, offset: number): number {
  const { memory, size, hv } = place;
  checkAligned(hv, addressOf(place, offset), 4, 'read');
  if (memory !== null && offset + 4 <= size) return memory.getUint32(offset, true);
  return hv.machine.space.readU32(addressOf(place, offset));
}

/** Stores a result at a place that may be outside the section's memory. May fault. */
export function store(place: RelocationTarget, offset: number, width: 2 | 4 | 8, low: number, high = 0): void {
  const { hv, size } = place;
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setUint32(0, low, true);
  bytes.setUint32(4, high, true);
  const address = addressOf(place, offset);
  checkAligned(hv, address, width, 'write');
  if (offset + width > size) {
    const message = `a relocation writes ${width} bytes past the end of ${place.target.name}, which Xen does not check`;
    reportOften(place, 'stray-relocation', message, { section: place.rela.name, address });
  }
  hv.machine.space.write(address, new Uint8Array(bytes.buffer, 0, width));
}

/** get_addend: reads the addend of a REL entry from its place, and may fault. Returns 0 without a read for types without addend. */
export function implicitAddend(place: RelocationTarget, type: number, offset: number): number {
  const row = place.hv.arch.relocations.get(type);
  return row === undefined || row.width === 0 ? 0 : addendOf(row, readWord(place, offset));
}

/** The value that a relocation puts into an instruction. */
export interface RelocationValue {
  /** Offset of the place in its section. */
  readonly offset: number;
  /** S + A, less P for types relative to the place. */
  readonly sum: bigint;
  readonly addend: bigint;
}

/** Relocates the instruction at a place. Returns whether the value is outside the range that Xen checks. */
export function placeInstruction(
  place: RelocationTarget,
  row: RelocationRow,
  field: RelocationField,
  { offset, sum, addend }: RelocationValue,
  where: Place,
): boolean {
  const bits = place.hv.arch.elf.pointerSize * 8;
  const address = addressOf(place, offset);
  const value = row.relative === 'page' ? pageOf(sum) - pageOf(address) : sum;
  const word = readWord(place, offset);
  const placed = relocateInstruction(row, field, {
    word,
    value: BigInt.asIntN(bits, value),
    addend: BigInt.asIntN(bits, addend),
  });
  if (place.memory !== null && offset + 4 <= place.size) place.memory.setUint32(offset, placed.word, true);
  else store(place, offset, 4, placed.word);
  if (placed.quirk !== null) reportOften(place, placed.quirk.rule, placed.quirk.message, { ...where, address });
  return placed.overflow;
}

const pageOf = (address: bigint): bigint => address - BigInt(lowWord(address) & 0xfff);

function reportOften({ hv, quirks }: RelocationTarget, rule: RuleId, message: string, where: Place): void {
  const count = (quirks.get(rule) ?? 0) + 1;
  quirks.set(rule, count);
  if (count <= MOST_FINDINGS) report(hv, rule, message, where);
}
