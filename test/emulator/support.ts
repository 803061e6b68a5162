import type { Cpu, CpuExit, CpuTrace } from '../../src/arch/index.ts';
import { PAGE_KINDS, PAGE_SIZE } from '../../src/arch/page-table.ts';
import { X86_64_PAGE_TABLES } from '../../src/arch/x86_64/page-table.ts';
import { loadEmulator } from '../../src/emulator/index.ts';
import { AddressSpace, type OpenCpu, PhysicalMemory } from '../../src/machine/index.ts';

/** Addresses of hypervisors, payloads and stacks. */
export const CODE = 0xffff_82d0_4020_0000n;
export const DATA = 0xffff_82d0_4040_0000n;
export const STACK = 0xffff_8300_0010_0000n;
/** Not mapped: a run stops before it. */
export const RETURN = 0xffff_82d0_bfff_e000n;

export const openCpu: OpenCpu = await loadEmulator();

/** Parses the bytes of a few instructions, as objdump prints them. */
export const bytes = (text: string): Uint8Array =>
  Uint8Array.from(
    text.split(/\s+/).filter((each) => each !== ''),
    (byte) => Number.parseInt(byte, 16),
  );

/** A machine with three pieces of memory: code, data, a stack. */
export class Bench {
  readonly space = new AddressSpace(X86_64_PAGE_TABLES, new PhysicalMemory());
  readonly code = new Uint8Array(4 * PAGE_SIZE);
  readonly data = new Uint8Array(2 * PAGE_SIZE);
  readonly stack = new Uint8Array(2 * PAGE_SIZE);
  readonly stopAt: bigint[] = [];

  constructor() {
    this.space.map(CODE, this.code, PAGE_KINDS.RX);
    this.space.map(DATA, this.data, PAGE_KINDS.RW);
    this.space.map(STACK, this.stack, PAGE_KINDS.RW);
  }

  /** Places code before a CPU has seen it. */
  place(offset: number, text: string): void {
    this.code.set(bytes(text), offset);
  }

  open(trace?: CpuTrace): Cpu {
    const { space, stopAt } = this;
    return openCpu({ arch: 'x86_64', space, stopAt, ...(trace !== undefined && { trace }) });
  }
}

/** Stack pointer at the start of {@link call}, with the return address in place. */
export const TOP = STACK + BigInt(PAGE_SIZE);

/** Runs a function until it returns, or something else stops it. */
export function call(
  cpu: Cpu,
  bench: Bench,
  address: bigint,
  limits: { instructions?: number; ms?: number } = {},
): CpuExit {
  new DataView(bench.stack.buffer).setBigUint64(PAGE_SIZE, RETURN, true);
  cpu.set('rsp', TOP);
  cpu.set('rip', address);
  const { instructions = 1_000_000, ms = 10_000 } = limits;
  cpu.allow(ms);
  return cpu.run({ until: RETURN, instructions });
}

export const returned: CpuExit = { kind: 'stop', address: RETURN };
