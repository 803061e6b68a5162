import type { CapstoneModule } from '@alexaltea/capstone-js';
import type { Access } from '../arch/index.ts';

/** Where the members of an architecture's part of `cs_detail` are in WebAssembly, in bytes, and of one operand from its start. */
export interface DetailLayout {
  readonly count: number;
  readonly operands: number;
  readonly stride: number;
  readonly type: number;
  /** The union of register, immediate and memory. */
  readonly value: number;
  readonly immediate: 'i32' | 'i64';
  readonly access: number;
  /** Bytes of an operand, where Capstone tells. */
  readonly size: number | null;
  readonly segment: number | null;
  readonly base: number;
  readonly index: number;
  readonly displacement: number;
  readonly wideDisplacement: boolean;
  /** What the index is multiplied by. */
  readonly scale: number | null;
  /** Bits that the index is shifted left by: type of the shift, and its value. */
  readonly shift: { readonly type: number; readonly left: number; readonly value: number } | null;
}

/** An operand as Capstone has it. */
export interface RawOperand {
  readonly type: 'register' | 'immediate' | 'memory' | 'other';
  readonly register: string;
  readonly immediate: bigint;
  readonly access: Access;
  readonly size: number;
  readonly segment: string | null;
  readonly base: string | null;
  readonly index: string | null;
  readonly scale: number;
  readonly displacement: bigint;
}

/** CS_OP_REG, CS_OP_IMM and CS_OP_MEM of version 5, the same on every architecture. */
const TYPES = ['other', 'register', 'immediate', 'memory'] as const;

/** CS_AC_READ is 1, CS_AC_WRITE 2. */
const ACCESSES = ['none', 'read', 'write', 'read-write'] as const;

/** Where an architecture's part begins in `cs_detail`. Source: capstone.h, version 5. */
export const DETAIL_ARCH = 96;

/** Reads the operands of the instruction whose architecture's part of `cs_detail` is at `detail`. `name` gives a register's name. */
export function rawOperands(
  module: CapstoneModule,
  layout: DetailLayout,
  detail: number,
  name: (register: number) => string | null,
): RawOperand[] {
  const count = module.getValue(detail + layout.count, 'i8') & 0xff;
  return Array.from({ length: count }, (_, i) => {
    const at = detail + layout.operands + i * layout.stride;
    const type = TYPES[module.getValue(at + layout.type, 'i32')] ?? 'other';
    const value = at + layout.value;
    const word = (offset: number): number => module.getValue(value + offset, 'i32');
    const memory = type === 'memory';
    const { shift } = layout;
    const shifted = memory && shift !== null && module.getValue(at + shift.type, 'i32') === shift.left;
    const scale = memory && layout.scale !== null ? word(layout.scale) : 1;
    return {
      type,
      register: type === 'register' ? (name(word(0)) ?? '') : '',
      immediate:
        type !== 'immediate' ? 0n : layout.immediate === 'i64' ? module.getValue(value, 'i64') : BigInt(word(0)),
      access: ACCESSES[module.getValue(at + layout.access, 'i8') & 3] ?? 'none',
      size: layout.size === null ? 0 : module.getValue(at + layout.size, 'i8') & 0xff,
      segment: memory && layout.segment !== null ? name(word(layout.segment)) : null,
      base: memory ? name(word(layout.base)) : null,
      index: memory ? name(word(layout.index)) : null,
      scale: shifted ? scale * 2 ** module.getValue(at + shift.value, 'i32') : scale,
      displacement: !memory
        ? 0n
        : layout.wideDisplacement
          ? module.getValue(value + layout.displacement, 'i64')
          : BigInt(word(layout.displacement)),
    };
  });
}
