import { viewOf } from '../base/index.ts';
import { cpuInfo, guestLayout, STACK_SIZE } from './cpu-info.ts';
import type { Release } from './release.ts';

/**
 * Finds where an image keeps its per-CPU state. A vendor may have patched the structures, so this reads the code: it finds its
 * cpu_info by setting the low bits of a copy of rsp (`or $0x7fff`), and the next instruction accesses the member.
 */

/** Offsets found in an image's code, in bytes. */
export interface CpuInfoFound {
  /** Members of struct cpu_info, from the end of the stack; negative. */
  readonly processorId: number;
  readonly currentVcpu: number;
  readonly perCpuOffset: number;
  /** Start of the structure, with the guest's registers. */
  readonly userRegs: number;
  /** `domain` in struct vcpu. */
  readonly vcpuDomain: number;
}

/** Minimum occurrences. Each access occurs hundreds of times; fewer than this prove nothing. */
const LEAST = 6;

/** An instruction with a base register, decoded as far as needed. */
interface Access {
  /** One of `load64`, `load32`, `add64`, `address`. */
  readonly kind: string;
  /** Bytes from the register's value. */
  readonly offset: number;
  /** Number of the destination register. */
  readonly target: number;
  /** Offset of the next instruction. */
  readonly next: number;
}

/** Opcodes with a ModRM byte: `mov` from memory, `add` from memory, `lea`. */
const KINDS: Readonly<Record<number, string>> = { 0x8b: 'load', 0x03: 'add', 0x8d: 'lea' };

/** Decodes the instruction at `at` if its base register is `base`. Source: Intel SDM volume 2, chapter 2. */
function access(code: Uint8Array, view: DataView, at: number, base: number): Access | undefined {
  if (at + 8 > code.length) return undefined;
  const prefix = code[at] as number;
  const rex = (prefix & 0xf0) === 0x40 ? prefix : 0;
  const op = rex === 0 ? at : at + 1;
  const opcode = code[op] as number;
  const modrm = code[op + 1] as number;
  const wide = (rex & 8) !== 0;
  const register = (modrm & 7) | ((rex & 1) << 3);
  if (wide && opcode === 0x2d && base === 0) {
    return { kind: 'address', offset: -view.getInt32(op + 1, true), target: 0, next: op + 5 };
  }
  if (register !== base) return undefined;
  if (wide && opcode === 0x81 && modrm >> 3 === 0x1d) {
    return { kind: 'address', offset: -view.getInt32(op + 2, true), target: base, next: op + 6 };
  }
  const kind = KINDS[opcode];
  // rsp or r12 as a base needs a SIB byte; the code we look for has neither.
  if (kind === undefined || (modrm & 7) === 4 || modrm >> 6 === 0 || modrm >> 6 === 3) return undefined;
  const short = modrm >> 6 === 1;
  const offset = short ? view.getInt8(op + 2) : view.getInt32(op + 2, true);
  const target = ((modrm >> 3) & 7) | ((rex & 4) << 1);
  const name = kind === 'lea' ? 'address' : `${kind}${wide ? 64 : 32}`;
  return { kind: name, offset, target, next: op + (short ? 3 : 6) };
}

/** Returns the register of an `or $0x7fff` with its immediate at `at`; `undefined` for another instruction. */
function maskedRegister(code: Uint8Array, at: number): number | undefined {
  const last = code[at - 1] as number;
  const before = code[at - 2] as number;
  if (before === 0x48 && last === 0x0d) return 0;
  const rex = code[at - 3] as number;
  if (before !== 0x81 || (last & 0xf8) !== 0xc8 || (rex !== 0x48 && rex !== 0x49)) return undefined;
  return (last & 7) | ((rex & 1) << 3);
}

/** Counts observations, by kind and number. */
class Tally {
  readonly #counts = new Map<string, Map<number, number>>();

  add(kind: string, value: number): void {
    let of = this.#counts.get(kind);
    if (of === undefined) {
      of = new Map();
      this.#counts.set(kind, of);
    }
    of.set(value, (of.get(value) ?? 0) + 1);
  }

  /** Returns the most frequent number, if it is frequent enough. */
  most(kind: string): number | undefined {
    const [best] = [...(this.#counts.get(kind) ?? [])].sort(([, a], [, b]) => b - a);
    return best !== undefined && best[1] >= LEAST ? best[0] : undefined;
  }
}

/** Reads the offsets from the image's `.text`. Leaves out those that the code uses too rarely. */
export function findCpuInfo(text: Uint8Array): Partial<CpuInfoFound> {
  const view = viewOf(text);
  const seen = new Tally();
  for (let at = text.indexOf(0xff, 3); at >= 0 && at + 4 < text.length; at = text.indexOf(0xff, at + 1)) {
    if (view.getUint32(at, true) !== STACK_SIZE - 1) continue;
    const register = maskedRegister(text, at);
    if (register === undefined) continue;
    const member = access(text, view, at + 4, register);
    if (member === undefined) continue;
    // The register points to the last byte of the stack.
    const fromEnd = member.offset - 1;
    seen.add(member.kind, fromEnd);
    if (member.kind !== 'load64') continue;
    const through = access(text, view, member.next, member.target);
    if (through?.kind !== 'load64') continue;
    // Only `current` is a pointer that the code dereferences at once.
    seen.add('current', fromEnd);
    seen.add('domain', through.offset);
  }
  return {
    ...given('processorId', seen.most('load32')),
    ...given('currentVcpu', seen.most('current')),
    ...given('perCpuOffset', seen.most('add64')),
    ...given('userRegs', seen.most('address')),
    ...given('vcpuDomain', seen.most('domain')),
  };
}

const given = (key: keyof CpuInfoFound, value: number | undefined): Partial<CpuInfoFound> =>
  value === undefined ? {} : { [key]: value };

/** Returns the offsets according to the release table. */
function expected(release: Release): CpuInfoFound {
  const { at, size } = cpuInfo(release);
  return {
    processorId: (at['processor_id'] as number) - size,
    currentVcpu: (at['current_vcpu'] as number) - size,
    perCpuOffset: (at['per_cpu_offset'] as number) - size,
    userRegs: -size,
    vcpuDomain: guestLayout(release, 8).vcpuDomain,
  };
}

/**
 * Returns the offsets that the image's code uses, and the release's where the code does not show them. The code takes precedence if
 * they differ, as with the rules of another release or a vendor's build.
 */
export const imageCpuInfo = (text: Uint8Array, release: Release): CpuInfoFound => ({
  ...expected(release),
  ...findCpuInfo(text),
});
