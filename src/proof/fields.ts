import { type Architecture, type Disassembler, filledOperand, type RelocationRow } from '../arch/index.ts';
import type { Host, HostPlace } from './host.ts';
import type { ObjectReference } from './program.ts';
import { hexText } from './reason.ts';

/** Do two relocation types store the same value in the same way? */
export const alike = (a: RelocationRow, b: RelocationRow): boolean =>
  a === b || (a.field === null && b.field === null && a.width === b.width && a.relative === b.relative);

/** Clears the bits that a relocation at byte `at` writes. */
export function clearField(bytes: Uint8Array, at: number, { field, width }: RelocationRow): void {
  if (field === null) {
    bytes.fill(0, Math.max(0, at), at + width);
    return;
  }
  for (const part of field.parts) {
    for (let bit = part.at; bit < part.at + part.bits; bit++) {
      const byte = at + (bit >> 3);
      bytes[byte] = (bytes[byte] ?? 0) & ~(1 << (bit & 7));
    }
  }
}

/** Is the field at byte `at` of code that of an operand which accesses memory there and then, without an index? */
export function isAccess(
  arch: Architecture,
  disassembler: Disassembler,
  own: Uint8Array,
  at: number,
  row: RelocationRow,
): boolean {
  if (row.field !== null) {
    const [instruction] = disassembler.disassemble(arch.name, own.subarray(at, at + 4), 0);
    const operand = instruction && filledOperand(instruction, 0, row);
    return operand?.kind === 'memory' && operand.access !== 'none' && operand.index === null;
  }
  for (let from = at - 1; from >= 0 && from > at - 12; from--) {
    const [instruction] = disassembler.disassemble(arch.name, own.subarray(from, at + 12), 0);
    if (instruction === undefined || instruction.offset + instruction.size + from <= at) continue;
    const operand = filledOperand(instruction, at - from, row);
    if (operand?.kind === 'memory') return operand.access !== 'none' && operand.index === null;
  }
  return false;
}

/** In the payload, the same fields must be relocated in the same way. */
export function sameRelocations(
  host: Host,
  references: readonly ObjectReference[],
  start: number,
  base: HostPlace,
  length: number,
): string | undefined {
  const theirs = host.relocationsAt(base, length);
  if (theirs === undefined) return undefined;
  if (typeof theirs === 'string') return `its copy in the payload has ${theirs}`;
  const fields = new Set(references.map(({ offset }) => offset));
  if (fields.size !== references.length) return 'two relocations in one place';
  for (const { offset, row } of references) {
    const other = theirs.get(offset - start);
    if (other === undefined) return `its copy in the payload has no relocation at +${hexText(offset - start)}`;
    if (!alike(row, other))
      return `its copy in the payload has ${other.name} instead of ${row.name} at +${hexText(offset - start)}`;
  }
  if (theirs.size !== references.length) return 'its copy in the payload has more relocations';
  return undefined;
}
