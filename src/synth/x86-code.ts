import { fromHex } from '../base/index.ts';
import type { CodeSpec, FieldSpec } from './payload-spec.ts';
import { TEXT_SECTION, type TextPool } from './text-pool.ts';

/** Encodes a few x86-64 instructions as bytes and relocations, enough for hooks and calls. Encodings: AMD64 Architecture Programmer's Manual, volume 3. */

/** Register numbers in instructions. Source: AMD64 APM volume 3, section 1.4.1. */
const NUMBERS = {
  rax: 0,
  rcx: 1,
  rdx: 2,
  rbx: 3,
  rsp: 4,
  rbp: 5,
  rsi: 6,
  rdi: 7,
  r8: 8,
  r9: 9,
  r10: 10,
  r11: 11,
  r12: 12,
  r13: 13,
  r14: 14,
  r15: 15,
} as const;

export type X86Register = keyof typeof NUMBERS;

/** Registers of the first six arguments. Source: System V ABI, AMD64 supplement, section 3.2.3. */
export const ARGUMENT_REGISTERS: readonly X86Register[] = ['rdi', 'rsi', 'rdx', 'rcx', 'r8', 'r9'];

/** Relocation types. Source: System V ABI, AMD64 supplement, table 4.9. */
const R_X86_64_PC32 = 2;
const R_X86_64_PLT32 = 4;

/** A value for a register: a number, an address, the address of a text, or memory at an offset from `rbx`. */
export type X86Value =
  | number
  | bigint
  | { readonly symbol: string; readonly plus?: number }
  | { readonly text: string }
  /** Bytes to read, 8 by default. Fewer are zero-extended. */
  | { readonly at: number; readonly size?: 1 | 4 | 8 };

/** Writes one function. Every method appends an instruction and returns the writer. */
export class CodeWriter {
  readonly #bytes: number[] = [];
  readonly #fields: FieldSpec[] = [];
  readonly #texts: TextPool;

  constructor(texts: TextPool) {
    this.#texts = texts;
  }

  /** Offset of the next instruction in bytes. */
  get length(): number {
    return this.#bytes.length;
  }

  /** Appends instructions in hex digits. Throws a RangeError for anything else. */
  raw(digits: string): this {
    const bytes = fromHex(digits);
    if (bytes === undefined) throw new RangeError(`${digits} are no hex digits`);
    this.#bytes.push(...bytes);
    return this;
  }

  push(register: X86Register): this {
    const number = NUMBERS[register];
    if (number >= 8) this.#bytes.push(0x41);
    this.#bytes.push(0x50 + (number & 7));
    return this;
  }

  pop(register: X86Register): this {
    const number = NUMBERS[register];
    if (number >= 8) this.#bytes.push(0x41);
    this.#bytes.push(0x58 + (number & 7));
    return this;
  }

  /** `mov %from, %to`, all 64 bits. */
  move(to: X86Register, from: X86Register): this {
    const [target, source] = [NUMBERS[to], NUMBERS[from]];
    this.#bytes.push(0x48 | (source >= 8 ? 4 : 0) | (target >= 8 ? 1 : 0), 0x89, modrm(3, source, target));
    return this;
  }

  /** Loads a value into a register. */
  set(register: X86Register, value: X86Value): this {
    const number = NUMBERS[register];
    if (typeof value === 'number' || typeof value === 'bigint') {
      this.#bytes.push(0x48 | (number >= 8 ? 1 : 0), 0xb8 + (number & 7), ...little(BigInt(value), 8));
      return this;
    }
    if ('at' in value) return this.#read(number, value.at, value.size ?? 8);
    const symbol = 'text' in value ? TEXT_SECTION : value.symbol;
    const plus = 'text' in value ? this.#texts.add(value.text) : (value.plus ?? 0);
    // lea symbol(%rip), %register
    this.#bytes.push(0x48 | (number >= 8 ? 4 : 0), 0x8d, modrm(0, number, 5));
    return this.#relative(symbol, plus, R_X86_64_PC32);
  }

  /** Stores a register at `symbol + plus`. */
  store(register: X86Register, symbol: string, plus = 0): this {
    const number = NUMBERS[register];
    this.#bytes.push(0x48 | (number >= 8 ? 4 : 0), 0x89, modrm(0, number, 5));
    return this.#relative(symbol, plus, R_X86_64_PC32);
  }

  call(symbol: string): this {
    this.#bytes.push(0xe8);
    return this.#relative(symbol, 0, R_X86_64_PLT32);
  }

  /** `jmp symbol`. */
  jump(symbol: string): this {
    this.#bytes.push(0xe9);
    return this.#relative(symbol, 0, R_X86_64_PLT32);
  }

  /**
   * Calls a function by the hypervisor's ABI: six arguments in registers, the others on the stack, no vector registers. The function may change all
   * registers but rbx, rbp and r12 to r15.
   */
  callWith(symbol: string, args: readonly X86Value[]): this {
    const onStack = args.slice(ARGUMENT_REGISTERS.length);
    for (const value of onStack.toReversed()) this.set('rax', value).push('rax');
    ARGUMENT_REGISTERS.forEach((register, i) => {
      const value = args[i];
      if (value !== undefined) this.set(register, value);
    });
    // xor %eax, %eax: no vector registers, for a function with a variable number of arguments.
    this.raw('31c0').call(symbol);
    // add $bytes, %rsp
    if (onStack.length > 0) this.raw('4881c4').#put(BigInt(8 * onStack.length), 4);
    return this;
  }

  ret(): this {
    this.#bytes.push(0xc3);
    return this;
  }

  /** Returns the function as an entry of a spec. */
  spec(symbol: string): CodeSpec {
    const digits = this.#bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return { symbol, hex: digits, fields: this.#fields };
  }

  #put(value: bigint, width: number): this {
    this.#bytes.push(...little(value, width));
    return this;
  }

  #relative(symbol: string, plus: number, type: number): this {
    this.#fields.push({ at: this.#bytes.length, symbol, addend: plus - 4, type });
    return this.#put(0n, 4);
  }

  #read(number: number, at: number, size: 1 | 4 | 8): this {
    const high = number >= 8 ? 4 : 0;
    // movzbl, movl and movq at(%rbx): the first two clear the upper half.
    if (size === 1) this.#bytes.push(0x40 | high, 0x0f, 0xb6);
    else this.#bytes.push((size === 8 ? 0x48 : 0x40) | high, 0x8b);
    this.#bytes.push(modrm(2, number, NUMBERS.rbx));
    return this.#put(BigInt(at), 4);
  }
}

const modrm = (mode: number, register: number, operand: number): number =>
  (mode << 6) | ((register & 7) << 3) | (operand & 7);

const little = (value: bigint, width: number): number[] => {
  const bits = BigInt.asUintN(8 * width, value);
  return Array.from({ length: width }, (_, i) => Number((bits >> BigInt(8 * i)) & 0xffn));
};
