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
  readonly wideImmediate: boolean;
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
export type RawOperand =
  | RawRegister
  | { readonly type: 'immediate'; readonly value: bigint }
  | RawMemory
  | { readonly type: 'other' };

export interface RawRegister {
  readonly type: 'register';
  readonly name: string;
  readonly access: Access;
}

export interface RawMemory {
  readonly type: 'memory';
  readonly access: Access;
  /** Bytes; 0 where Capstone does not tell. */
  readonly size: number;
  readonly segment: string | null;
  readonly base: string | null;
  readonly index: string | null;
  readonly scale: number;
  readonly displacement: bigint;
}

/** CS_OP_REG, CS_OP_IMM and CS_OP_MEM of version 5, the same on every architecture. */
const [REGISTER, IMMEDIATE, MEMORY] = [1, 2, 3];

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
  const operands: RawOperand[] = [];
  for (let i = 0; i < count; i++) {
    const at = detail + layout.operands + i * layout.stride;
    const type = module.getValue(at + layout.type, 'i32');
    const value = at + layout.value;
    if (type === REGISTER) {
      operands.push({
        type: 'register',
        name: name(module.getValue(value, 'i32')) ?? '',
        access: accessAt(module, layout, at),
      });
    } else if (type === IMMEDIATE) {
      operands.push({ type: 'immediate', value: integer(module, value, layout.wideImmediate) });
    } else operands.push(type === MEMORY ? memory(module, layout, at, name) : { type: 'other' });
  }
  return operands;
}

const accessAt = (module: CapstoneModule, layout: DetailLayout, at: number): Access =>
  ACCESSES[(module.getValue(at + layout.access, 'i8') & 3) as 0 | 1 | 2 | 3];

const integer = (module: CapstoneModule, at: number, wide: boolean): bigint =>
  wide ? module.getValue(at, 'i64') : BigInt(module.getValue(at, 'i32'));

function memory(
  module: CapstoneModule,
  layout: DetailLayout,
  at: number,
  name: (register: number) => string | null,
): RawMemory {
  const value = at + layout.value;
  const { shift } = layout;
  const shifted = shift !== null && module.getValue(at + shift.type, 'i32') === shift.left;
  const scale = layout.scale === null ? 1 : module.getValue(value + layout.scale, 'i32');
  return {
    type: 'memory',
    access: accessAt(module, layout, at),
    size: layout.size === null ? 0 : module.getValue(at + layout.size, 'i8') & 0xff,
    segment: layout.segment === null ? null : name(module.getValue(value + layout.segment, 'i32')),
    base: name(module.getValue(value + layout.base, 'i32')),
    index: name(module.getValue(value + layout.index, 'i32')),
    scale: shifted ? scale * 2 ** module.getValue(at + shift.value, 'i32') : scale,
    displacement: integer(module, value + layout.displacement, layout.wideDisplacement),
  };
}
