import type { Access, Field, FieldPart, Flow, ImmediateOperand, MemoryOperand, Operand } from '../arch/index.ts';
import { viewOf } from '../base/index.ts';
import type { RawMemory } from './detail.ts';
import type { Decoded, FlowFacts } from './dialect.ts';

/** Encodings of Arm instructions as rows: an instruction is of the first whose `value` its word has under `mask`. */
export type Encoding = readonly [mask: number, value: number, facts: Facts];

/** What an encoding says of its instructions. */
export interface Facts {
  /** Without it, control goes on. */
  readonly flow?: Flow;
  /** May control go on in spite of {@link flow}? On arm32 the condition of the word says so, too. */
  readonly conditional?: boolean;
  /** The fields of the immediates, in the order of the text. The last one stands for those that follow, too. */
  readonly immediates?: readonly Field[];
  /** What the PC-relative operand is: the place of a branch, an address that is computed, or memory that is read. */
  readonly relative?: 'target' | 'address' | 'literal';
  readonly memory?: (word: number) => ArmAccess;
  /** The constant that a register is shifted by, where it is an operand of its own: `lsl r0, r1, #2`. */
  readonly shift?: (word: number) => ImmediateOperand | undefined;
  /** Where the displacement of a memory operand without an index is. */
  readonly displacement?: Field;
}

/** What an instruction does with memory, and with how many bytes of it. */
export interface ArmAccess {
  readonly access: Access;
  readonly width: number;
}

export const run = (at: number, bits: number): FieldPart => ({ at, bits });
export const bit = (word: number, at: number): boolean => ((word >>> at) & 1) !== 0;
export const bits = (word: number, at: number, count: number): number => (word >>> at) & (2 ** count - 1);
export const NO_ACCESS: ArmAccess = { access: 'none', width: 0 };
export const readOrWrite = (read: boolean, width: number): ArmAccess => ({ access: read ? 'read' : 'write', width });

export const factsOf = (encodings: readonly Encoding[], word: number): Facts =>
  encodings.find(([mask, value]) => (word & mask) >>> 0 === value)?.[2] ?? {};

/** Tells the flow of an instruction of four bytes. */
export function armFlow(
  bytes: Uint8Array,
  encodings: readonly Encoding[],
  isConditional: (word: number) => boolean,
): FlowFacts {
  const word = viewOf(bytes).getUint32(0, true);
  const { flow = 'next', conditional = false } = factsOf(encodings, word);
  return { flow, conditional: conditional || (flow !== 'next' && isConditional(word)) };
}

/**
 * Makes operands of what Capstone has and of the facts of the encoding.
 *
 * @param pipeline what PC-relative operands count from, in bytes from the instruction
 * @param leadsTo where a PC-relative operand leads of an instruction at `place`: `value` is what Capstone has for it
 */
export function armOperands(
  { bytes, place, raw }: Decoded,
  encodings: readonly Encoding[],
  pipeline: 0 | 8,
  leadsTo: (value: number, place: number, word: number) => number,
): Operand[] {
  const word = viewOf(bytes).getUint32(0, true);
  const facts = factsOf(encodings, word);
  const { immediates = [], relative } = facts;
  const last = raw.findLastIndex(({ type }) => type === 'immediate');
  let seen = 0;
  const field = (): Field | null => immediates[Math.min(seen++, immediates.length - 1)] ?? null;
  const memory = facts.memory?.(word);
  // Behind a memory operand, the field's value is added afterwards.
  const after = raw.some(({ type }, i) => type === 'memory' && i < last);
  const operands = raw.map((operand, i): Operand => {
    if (operand.type === 'memory') {
      const field = operand.index === null && !after ? (facts.displacement ?? null) : null;
      return memoryOperand(operand, field, memory, place + pipeline, pipeline);
    }
    if (operand.type === 'register') return { kind: 'register', name: operand.name, access: operand.access };
    if (operand.type === 'other') return { kind: 'other' };
    const own = field();
    if (relative === undefined || i !== last || own === null) {
      return { kind: 'immediate', value: operand.value, field: own };
    }
    const to = { place: leadsTo(Number(operand.value), place, word), countsFrom: pipeline };
    if (relative === 'target') return { kind: 'target', ...to, field: own };
    const { access, width } = memory ?? NO_ACCESS;
    return { ...NO_BASE, displacement: BigInt(to.place - place - pipeline), relative: to, field: own, access, width };
  });
  const shift = facts.shift?.(word);
  if (shift !== undefined) operands.push(shift);
  return operands;
}

const NO_BASE = { kind: 'memory', segment: null, base: null, index: null, scale: 1 } as const;

function memoryOperand(
  { base, index, scale, displacement, access }: RawMemory,
  field: Field | null,
  memory: ArmAccess | undefined,
  from: number,
  countsFrom: number,
): MemoryOperand {
  const relative = base === 'pc' && index === null;
  return {
    kind: 'memory',
    segment: null,
    base: relative ? null : base,
    index,
    scale,
    displacement,
    relative: relative ? { place: from + Number(displacement), countsFrom } : null,
    field,
    access: memory?.access ?? access,
    width: memory?.width ?? 0,
  };
}

/** `label`, or `[x0, label]` where the value is added to a register. */
export function armLabel(text: string, operand: Operand, label: string): string {
  if (operand.kind !== 'memory' || operand.base === null) return label;
  return `[${operand.base}, ${label}]${text.endsWith('!') ? '!' : ''}`;
}
