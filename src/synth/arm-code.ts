import type { Architecture } from '../arch/index.ts';
import { hex, viewOf } from '../base/index.ts';
import type { CodeSpec, FieldSpec } from './payload-spec.ts';
import { TEXT_SECTION, type TextPool } from './text-pool.ts';

/**
 * Encodes a few arm64 and arm32 instructions as words and relocations, enough for hooks. Registers are numbers. Encodings: ARM DDI 0487, C6.2;
 * ARM DDI 0406C, A8.8.
 */

export type ArmName = Exclude<Architecture['name'], 'x86_64'>;

/** A value for a register: a number, an address, the address of a text, or memory at an offset from `struct payload`. */
export type ArmValue =
  | number
  | bigint
  | { readonly symbol: string; readonly plus?: number }
  | { readonly text: string }
  | { readonly at: number; readonly size?: 1 | 4 | 8 };

/** An instruction word, and its relocation. */
interface Word {
  readonly word: number;
  readonly type?: number;
}

/** The instructions of one architecture from which hooks are made. */
interface ArmWords {
  /** Number of argument registers. */
  readonly arguments: number;
  /** Bytes of a stack slot, and of the stack's alignment. */
  readonly slot: 4 | 8;
  readonly alignment: 8 | 16;
  number(register: number, value: bigint): readonly Word[];
  /** Loads an address. */
  address(register: number): readonly Word[];
  /** Loads from an offset of `struct payload`. */
  read(register: number, at: number, size: 1 | 4 | 8): Word;
  readonly call: readonly Word[];
  readonly jump: readonly Word[];
  /** Moves the stack pointer. */
  stack(bytes: number): Word;
  storeOnStack(register: number, at: number): Word;
  /** Stores a register at the address in another. */
  storeAt(register: number, base: number): Word;
  readonly enter: readonly Word[];
  readonly leave: readonly Word[];
  /** A free register. */
  readonly scratch: number;
}

/** Relocation numbers: IHI 0056, 5.7; IHI 0044, 4.6. */
const R_AARCH64_ADR_PREL_PG_HI21 = 275;
const R_AARCH64_ADD_ABS_LO12_NC = 277;
const R_AARCH64_JUMP26 = 282;
const R_AARCH64_CALL26 = 283;
const R_ARM_ABS32 = 2;

const half = (value: bigint, index: number): number =>
  Number((BigInt.asUintN(64, value) >> BigInt(16 * index)) & 0xffffn);

/** LDRB, LDR of 32 and of 64 bits, immediate offset. */
const ARM64_LOADS = { 1: 0x3940_0000, 4: 0xb940_0000, 8: 0xf940_0000 } as const;

const ARM64_WORDS: ArmWords = {
  arguments: 8,
  slot: 8,
  alignment: 16,
  // movz, and movk three times
  number: (register, value) =>
    [0, 1, 2, 3].map((i) => ({
      word: (i === 0 ? 0xd280_0000 : 0xf280_0000) + (i << 21) + (half(value, i) << 5) + register,
    })),
  // adrp, add
  address: (register) => [
    { word: 0x9000_0000 + register, type: R_AARCH64_ADR_PREL_PG_HI21 },
    { word: 0x9100_0000 + (register << 5) + register, type: R_AARCH64_ADD_ABS_LO12_NC },
  ],
  read: (register, at, size) => ({ word: ARM64_LOADS[size] + ((at / size) << 10) + (19 << 5) + register }),
  call: [{ word: 0x9400_0000, type: R_AARCH64_CALL26 }],
  jump: [{ word: 0x1400_0000, type: R_AARCH64_JUMP26 }],
  // add or sub sp, sp, #bytes
  stack: (bytes) => ({ word: (bytes < 0 ? 0xd100_03ff : 0x9100_03ff) + (Math.abs(bytes) << 10) }),
  storeOnStack: (register, at) => ({ word: 0xf900_03e0 + ((at / 8) << 10) + register }),
  storeAt: (register, base) => ({ word: 0xf900_0000 + (base << 5) + register }),
  // stp fp, lr, [sp, #-32]!; mov fp, sp; str x19, [sp, #16]; mov x19, x0
  enter: [0xa9be_7bfd, 0x9100_03fd, 0xf900_0bf3, 0xaa00_03f3].map((word) => ({ word })),
  // ldr x19, [sp, #16]; ldp fp, lr, [sp], #32; ret
  leave: [0xf940_0bf3, 0xa8c2_7bfd, 0xd65f_03c0].map((word) => ({ word })),
  scratch: 9,
};

/** Loads a word that stands in the middle of the code. */
const literal = (register: number, behind: readonly Word[] = []): readonly Word[] => [
  // ldr register, [pc]; b over the word
  { word: 0xe59f_0000 + register * 0x1000 },
  { word: 0xea00_0000 },
  { word: 0, type: R_ARM_ABS32 },
  ...behind,
];

const ARM32_WORDS: ArmWords = {
  arguments: 4,
  slot: 4,
  alignment: 8,
  // movw, movt
  number: (register, value) =>
    [0, 1].map((i) => {
      const bits = half(value, i);
      return { word: 0xe300_0000 + i * 0x40_0000 + ((bits >> 12) << 16) + register * 0x1000 + (bits & 0xfff) };
    }),
  // Not movw and movt: the hypervisor ignores their addends.
  address: (register) => literal(register),
  // ldr or ldrb register, [r4, #at]
  read: (register, at, size) => ({ word: (size === 1 ? 0xe5d4_0000 : 0xe594_0000) + register * 0x1000 + at }),
  // Not bl: the hypervisor misses half of its targets. blx r12 instead.
  call: literal(12, [{ word: 0xe12f_ff3c }]),
  // bx r12
  jump: literal(12, [{ word: 0xe12f_ff1c }]),
  stack: (bytes) => ({ word: (bytes < 0 ? 0xe24d_d000 : 0xe28d_d000) + Math.abs(bytes) }),
  storeOnStack: (register, at) => ({ word: 0xe58d_0000 + register * 0x1000 + at }),
  storeAt: (register, base) => ({ word: 0xe580_0000 + base * 0x1_0000 + register * 0x1000 }),
  // push {r4, lr}; mov r4, r0
  enter: [0xe92d_4010, 0xe1a0_4000].map((word) => ({ word })),
  // pop {r4, pc}
  leave: [{ word: 0xe8bd_8010 }],
  scratch: 12,
};

const WORDS: Readonly<Record<ArmName, ArmWords>> = { arm64: ARM64_WORDS, arm32: ARM32_WORDS };

/** Writes one function. Every method appends instructions and returns the writer. */
export class ArmCode {
  readonly arch: ArmName;
  readonly #code: number[] = [];
  readonly #fields: FieldSpec[] = [];
  readonly #texts: TextPool;
  readonly #words: ArmWords;

  constructor(arch: ArmName, texts: TextPool) {
    this.arch = arch;
    this.#texts = texts;
    this.#words = WORDS[arch];
  }

  /** Bytes written so far. */
  get length(): number {
    return 4 * this.#code.length;
  }

  /** Appends instructions, for each architecture its own. */
  raw(words: Readonly<Record<ArmName, readonly number[]>>): this {
    this.#code.push(...words[this.arch]);
    return this;
  }

  /** Saves `struct payload`, the argument of hooks. */
  enter(): this {
    return this.#put(this.#words.enter);
  }

  leave(): this {
    return this.#put(this.#words.leave);
  }

  set(register: number, value: ArmValue): this {
    if (typeof value === 'number' || typeof value === 'bigint') {
      return this.#put(this.#words.number(register, BigInt(value)));
    }
    if ('at' in value) return this.#put([this.#words.read(register, value.at, value.size ?? this.#words.slot)]);
    const symbol = 'text' in value ? TEXT_SECTION : value.symbol;
    const plus = 'text' in value ? this.#texts.add(value.text) : (value.plus ?? 0);
    return this.#put(this.#words.address(register), symbol, plus);
  }

  /** Calls a function. Each argument takes one slot. */
  callWith(symbol: string, args: readonly ArmValue[]): this {
    const { arguments: inRegisters, slot, alignment, scratch } = this.#words;
    const onStack = args.slice(inRegisters);
    const bytes = Math.ceil((onStack.length * slot) / alignment) * alignment;
    if (bytes > 0) this.#put([this.#words.stack(-bytes)]);
    for (const [i, value] of onStack.entries()) {
      this.set(scratch, value).#put([this.#words.storeOnStack(scratch, slot * i)]);
    }
    for (const [i, value] of args.slice(0, inRegisters).entries()) this.set(i, value);
    this.#put(this.#words.call, symbol);
    return bytes > 0 ? this.#put([this.#words.stack(bytes)]) : this;
  }

  jump(symbol: string): this {
    return this.#put(this.#words.jump, symbol);
  }

  /** Stores a register, as wide as a pointer, at `symbol + plus`. */
  store(register: number, symbol: string, plus = 0): this {
    const { scratch, storeAt } = this.#words;
    return this.set(scratch, { symbol, plus }).#put([storeAt(register, scratch)]);
  }

  /** Calls printk; the format begins with the level. */
  say(format: string, ...args: ArmValue[]): this {
    return this.callWith('printk', [{ text: format }, ...args]);
  }

  /** Returns the function as an entry of a spec. */
  spec(symbol: string): CodeSpec {
    const bytes = new Uint8Array(4 * this.#code.length);
    const view = viewOf(bytes);
    for (const [i, word] of this.#code.entries()) view.setUint32(4 * i, word, true);
    return { symbol, hex: hex(bytes), fields: this.#fields };
  }

  #put(words: readonly Word[], symbol = '', addend = 0): this {
    for (const { word, type } of words) {
      if (type !== undefined) this.#fields.push({ at: this.length, symbol, addend, type });
      this.#code.push(word >>> 0);
    }
    return this;
  }
}
