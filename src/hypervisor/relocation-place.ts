import {
  implicitAddend as addendOf,
  type RelocationField,
  type RelocationRow,
  relocateInstruction,
} from '../arch/index.ts';
import { type Address, lowWord, type Place } from '../base/index.ts';
import { checkAligned } from './aligned-access.ts';
import type { LoaderElf, LoaderSection } from './elf-load.ts';
import { type Hypervisor, report } from './hypervisor.ts';

/** Where the relocations of one section go. */
export interface RelocationTarget {
  readonly hv: Hypervisor;
  readonly elf: LoaderElf;
  readonly target: LoaderSection;
  readonly rela: LoaderSection;
  /** Address and size, in bytes, of the loaded section. */
  readonly base: Address;
  readonly size: number;
  /** The section's memory; `null` where it does not lie in one piece. */
  readonly memory: DataView<ArrayBufferLike> | null;
  /** How often each quirk was reported for this section. */
  readonly quirks: Map<string, number>;
}

/** Findings of one rule in one relocation section: a payload may bring ten thousand places of a kind. */
const MOST_FINDINGS = 10;

/** Address of a place, in the architecture's arithmetic. */
function addressOf({ hv, base }: RelocationTarget, offset: number): Address {
  return BigInt.asUintN(hv.arch.elf.pointerSize * 8, base + BigInt(offset));
}

function readWord(place: RelocationTarget, offset: number): number {
  const { memory, size, hv } = place;
  checkAligned(hv, addressOf(place, offset), 4, 'read');
  if (memory !== null && offset + 4 <= size) return memory.getUint32(offset, true);
  return hv.machine.space.readU32(addressOf(place, offset));
}

/** Stores a result whose place is not known to be in the section's memory. May fault. */
export function store(place: RelocationTarget, offset: number, width: 2 | 4 | 8, low: number, high = 0): void {
  const { hv, size } = place;
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setUint32(0, low, true);
  bytes.setUint32(4, high, true);
  const address = addressOf(place, offset);
  checkAligned(hv, address, width, 'write');
  if (offset + width > size) {
    const message = `a relocation writes ${width} bytes behind the end of ${place.target.name}: Xen does not check where`;
    reportOften(place, 'stray-relocation', message, { section: place.rela.name, address });
  }
  hv.machine.space.write(address, new Uint8Array(bytes.buffer, 0, width));
}

/** get_addend: the addend that a REL entry has at its place. Reads it, and may fault there; 0, and nothing is read, for types that have none. */
export function implicitAddend(place: RelocationTarget, type: number, offset: number): number {
  const row = place.hv.arch.relocations.get(type);
  return row === undefined || row.width === 0 ? 0 : addendOf(row, readWord(place, offset));
}

/** What a relocation puts into an instruction. */
export interface RelocationValue {
  /** Offset of the place in its section. */
  readonly offset: number;
  /** S + A, less P where the row is relative to the place. */
  readonly sum: bigint;
  readonly addend: bigint;
}

/** Relocates the instruction at a place. Returns whether the value is out of the range that Xen checks. */
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

function reportOften({ hv, quirks }: RelocationTarget, rule: string, message: string, where: Place): void {
  const count = (quirks.get(rule) ?? 0) + 1;
  quirks.set(rule, count);
  if (count <= MOST_FINDINGS) report(hv, 'warning', rule, message, where);
}
