import { type Address, addOffset, viewOf } from '../base/index.ts';

/** The arguments of a variadic call, one after the other. */
export interface ArgumentSource {
  /**
   * Returns the next integer argument of this size, as its register or stack slot contains it: bits above the size are undefined.
   * Throws if a slot cannot be read.
   */
  next(bytes: 4 | 8): bigint;
}

/** Reads `length` bytes of the caller's memory; throws if it cannot. */
export type ReadMemory = (address: Address, length: number) => Uint8Array;

const readU64 = (read: ReadMemory, address: Address): bigint => viewOf(read(address, 8)).getBigUint64(0, true);
const readU32 = (read: ReadMemory, address: Address): number => viewOf(read(address, 4)).getUint32(0, true);

/**
 * Returns the variadic arguments at the entry of a function: the remaining argument registers (x86-64: rdi, rsi, rdx, rcx, r8, r9;
 * arm64: x0 … x7; arm32: r0 … r3), then the stack from `stack` (x86-64: rsp + 8 at the first instruction; Arm: sp). On a 32-bit
 * machine a 64-bit value starts in an even register or at a multiple of 8, and is never split.
 *
 * Sources: System V ABI for AMD64 3.2.3, AAPCS64 6.8.2, AAPCS32 6.5. Xen passes no floating-point arguments.
 */
export function callArguments(
  registers: readonly bigint[],
  stack: Address,
  read: ReadMemory,
  pointerSize: 4 | 8 = 8,
): ArgumentSource {
  let next = 0;
  let offset = 0;
  if (pointerSize === 8) {
    return {
      next() {
        const value = registers[next++];
        if (value !== undefined) return value;
        offset += 8;
        return readU64(read, addOffset(stack, offset - 8));
      },
    };
  }
  const word = (): bigint => {
    const value = registers[next++];
    if (value !== undefined) return BigInt.asUintN(32, value);
    offset += 4;
    return BigInt(readU32(read, addOffset(stack, offset - 4)));
  };
  return {
    next(bytes) {
      if (bytes === 4) return word();
      // r3 is the last, so a register is even if an even number of them is left.
      if (next < registers.length && (registers.length - next) % 2 === 1) next++;
      if (next >= registers.length && (stack + BigInt(offset)) % 8n !== 0n) offset += 4;
      const low = word();
      return low | (word() << 32n);
    },
  };
}

/** `reg_save_area` has six 8-byte integer registers. */
const GP_AREA = 48;

/** sizeof(va_list) on x86-64. */
export const VA_LIST_SIZE = 24;

/**
 * Reads an x86-64 `va_list` from memory: u32 `gp_offset`, u32 `fp_offset`, and the addresses `overflow_arg_area` and
 * `reg_save_area`. Reads it once; the position advances here and not in memory.
 * Source: System V ABI for AMD64, 3.5.7.
 */
export function vaListArguments(address: Address, read: ReadMemory): ArgumentSource {
  const view = viewOf(read(address, VA_LIST_SIZE));
  let gpOffset = view.getUint32(0, true);
  let overflow = view.getBigUint64(8, true);
  const saved = view.getBigUint64(16, true);
  return {
    next() {
      if (gpOffset < GP_AREA) {
        gpOffset += 8;
        return readU64(read, addOffset(saved, gpOffset - 8));
      }
      overflow = addOffset(overflow, 8);
      return readU64(read, addOffset(overflow, -8));
    },
  };
}

/**
 * Reads an arm64 `va_list` from memory, passed by address: `__stack`, `__gr_top` and `__vr_top`, and the negative offset `__gr_offs`
 * of the next register from `__gr_top`, 0 if none is left. Reads it once.
 * Source: AAPCS64, 10.1.5.
 */
export function arm64VaListArguments(address: Address, read: ReadMemory): ArgumentSource {
  const view = viewOf(read(address, ARM64_VA_LIST_SIZE));
  let stack = view.getBigUint64(0, true);
  const top = view.getBigUint64(8, true);
  let offset = view.getInt32(24, true);
  return {
    next() {
      if (offset < 0) {
        offset += 8;
        return readU64(read, addOffset(top, offset - 8));
      }
      stack = addOffset(stack, 8);
      return readU64(read, addOffset(stack, -8));
    },
  };
}

/** sizeof(va_list) on arm64. */
const ARM64_VA_LIST_SIZE = 32;

/** Reads an arm32 `va_list`: the address of the next argument, passed by value. Source: AAPCS32, 8.1.4. */
export const arm32VaListArguments = (next: Address, read: ReadMemory): ArgumentSource =>
  callArguments([], next, read, 4);
