import { latin1, viewOf } from '../../../src/base/index.ts';
import { type PrintkMachine, type PrintkMemory, type Release, symbolText } from '../../../src/xen/index.ts';

/**
 * The memory that the vectors' arguments point to, for Xen's own vsnprintf (`harness.c`) and for ours. Strings, domains and
 * vcpus are at fixed places; the rest is noise. Nothing is mapped after it.
 */
export const ARENA = 0x1000_0000n;
export const ARENA_SIZE = 0x4000;
/** Offsets from the arena's start, in bytes. */
export const STRINGS = 0;
export const STRING_COUNT = 16;
/** Room of each string, in bytes. */
export const STRING_STEP = 64;
export const DOMAINS = 0x1000;
export const DOMAIN_STEP = 16;
export const VCPUS = 0x1800;
export const VCPU_STEP = 32;
export const NOISE = 0x2000;
/** A string that crosses a page: its NUL is at `ARENA + 0x3010`. */
export const LONG_STRING = 0x2fc0;
/** Addresses inside symbols. */
export const SYMBOLS = 0x2000_0000n;
export const SYMBOLS_SIZE = 0x1_0000;

/** Domain numbers in the arena, in order: `DOMAINS + i * DOMAIN_STEP`. */
export const DOMAIN_IDS = [0, 1, 42, 0x7fef, 0x7ff0, 0x7ff1, 0x7ff2, 0x7ff3, 0x7ff4, 0x7fff, 0xffff];

/** Returns pseudo-random numbers from 0 to `below` - 1, the same in every run. */
export function generator(seed: number): (below: number) => number {
  let state = BigInt(seed);
  return (below) => {
    // Knuth's MMIX generator; its high bits are the random ones.
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return Number((state >> 32n) % BigInt(below));
  };
}

/** Returns the arena's bytes. */
export function arena(): Uint8Array {
  const bytes = new Uint8Array(ARENA_SIZE);
  const view = viewOf(bytes);
  const random = generator(1);
  for (let i = NOISE; i < ARENA_SIZE; i++) bytes[i] = random(256);
  for (let i = 0; i < STRING_COUNT; i++) {
    for (let j = 0; j < i * 3; j++) bytes[STRINGS + i * STRING_STEP + j] = 33 + random(94);
  }
  for (let at = LONG_STRING; at < 0x3010; at++) bytes[at] = 65 + (at % 26);
  bytes[0x3010] = 0;
  DOMAIN_IDS.forEach((id, i) => {
    view.setUint16(DOMAINS + i * DOMAIN_STEP, id, true);
    view.setInt32(VCPUS + i * VCPU_STEP, i === 3 ? -1 : i * 7, true);
    view.setBigUint64(VCPUS + i * VCPU_STEP + 16, ARENA + BigInt(DOMAINS + i * DOMAIN_STEP), true);
  });
  // A vcpu without a domain.
  view.setInt32(VCPUS + DOMAIN_IDS.length * VCPU_STEP, 5, true);
  return bytes;
}

/** Returns a symbol for every 256 bytes. `size` grows with its number, and every fourth belongs to a payload. */
export function symbolAt(
  address: bigint,
): { name: string; offset: number; size: number; payload?: string } | undefined {
  if (address < SYMBOLS || address >= SYMBOLS + BigInt(SYMBOLS_SIZE)) return undefined;
  const from = Number(address - SYMBOLS);
  const number = from >> 8;
  const found = { name: `symbol_${number}`, offset: from & 0xff, size: number * 16 };
  return number % 4 === 0 ? { ...found, payload: `payload${number}` } : found;
}

/** Returns the arena as a machine's memory. */
export function machine(release: Release, bytes: Uint8Array): PrintkMachine {
  const at = (address: bigint, length: number): number => {
    const offset = Number(address - ARENA);
    if (!(offset >= 0 && offset + length <= bytes.length)) throw new Error(`fault at ${address.toString(16)}`);
    return offset;
  };
  const memory: PrintkMemory = {
    read: (address, length) => bytes.subarray(at(address, length), at(address, length) + length),
    write: (address, written) => bytes.set(written, at(address, written.length)),
    symbolText(address, withOffset) {
      const found = symbolAt(address);
      return found === undefined ? undefined : symbolText(found, withOffset);
    },
  };
  // Layout of struct domain and struct vcpu in 4.17.
  const layout = { domainId: 0, vcpuId: 0, vcpuDomain: 16 };
  return { pointerSize: 8, rules: release.pointerFormats, layout, memory };
}

/** A call of vsnprintf, and its result. */
export interface Vector {
  readonly size: number;
  readonly format: string;
  /** Raw 64-bit arguments. */
  readonly args: readonly bigint[];
  readonly length: number;
  readonly text: string;
}

/** One vector a line: a JSON array of size, format, arguments in hex, length and text. */
export function parseVectors(bytes: Uint8Array): Vector[] {
  return latin1(bytes)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [size, format, args, length, text] = JSON.parse(line) as [number, string, string[], number, string];
      return { size, format, args: args.map((arg) => BigInt(`0x${arg}`)), length, text };
    });
}
