/**
 * Replays on the simulator what was recorded on the real hypervisor (record.ts), and says where the two differ.
 */
import { inflateRawSync } from 'node:zlib';
import { CPU_PRESETS } from '../../src/arch/index.ts';
import { hex, pointerText } from '../../src/base/index.ts';
import {
  boot,
  doSysctl,
  enter,
  type Hypervisor,
  type Image,
  peek,
  ScratchGuestMemory,
  SimulatedTarget,
} from '../../src/hypervisor/index.ts';
import type { Release } from '../../src/xen/index.ts';
import { type CallMemory, code, listResult, prepareCall, rawOf } from './call.ts';
import type { RawOp, Step } from './cases.ts';
import { liveBytes } from './normalise.ts';

export interface RecordedStep {
  readonly step: Step;
  readonly ret?: number | string;
  readonly status?: { readonly state: string; readonly rc: number | string };
  readonly list?: Readonly<Record<string, unknown>>;
  readonly lines?: readonly string[];
  readonly dump?: readonly string[];
  readonly live?: Readonly<Record<string, string | null>>;
  readonly regions?: Readonly<Record<'text' | 'rw' | 'ro', { at: string; pages: number; hex: string }>>;
  readonly died?: readonly string[];
}

export interface RecordedCase {
  readonly name: string;
  readonly cpu: string;
  readonly smp: number;
  readonly payloads: Readonly<Record<string, { readonly sha256: string; readonly size: number }>>;
  readonly results: readonly RecordedStep[];
}

export interface Difference {
  readonly step: number;
  readonly field: string;
  readonly simulated: unknown;
  readonly real: unknown;
}

/** Presets that stand for the `-cpu` of a recording. */
const CPUS: Readonly<Record<string, string>> = {
  'max,-smap': 'qemu-max',
  qemu64: 'qemu64',
  'Skylake-Client,-smap': 'qemu-skylake',
};

export const unpackPayload = (base64: string): Uint8Array =>
  new Uint8Array(inflateRawSync(Buffer.from(base64, 'base64')));

export interface ReplayOptions {
  /** The case's payload files by key. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** What was done to the recording's texts: the recorder's normaliser, or nothing. */
  readonly normalise?: (text: string) => string;
  /** Compare bytes that hold absolute addresses: only where the build is the recorded one. */
  readonly sameBuild: boolean;
  readonly debugBuild?: boolean;
}

/** What differs from run to run, or belongs to one source tree: the number of the master CPU, and dprintk's line number. */
const stable = (line: string): string =>
  line.replace(/^([\w/]+\.c):\d+: /, '$1: ').replace(/: CPU\d+ - IPIing/, ': CPU - IPIing');

/** One case on a fresh simulated host. */
export function replay(image: Image, release: Release, recorded: RecordedCase, options: ReplayOptions): Difference[] {
  const { files, normalise = (text) => text, sameBuild, debugBuild = false } = options;
  const texts = (lines: readonly string[]): string[] => lines.map((line) => stable(normalise(line)));
  const realTexts = (lines: readonly string[]): string[] => lines.map(stable);
  const processor = CPU_PRESETS[CPUS[recorded.cpu] ?? ''];
  if (processor === undefined) throw new Error(`no preset for -cpu ${recorded.cpu}`);
  const host = boot(image, { release, processor, debugBuild, domainsWithWaitqueue: [], cpus: recorded.smp });
  const target = new SimulatedTarget(host);
  const differences: Difference[] = [];
  /** Functions that any dump has named so far. */
  const seen = new Set<bigint>();
  for (const [index, real] of recorded.results.entries()) {
    const differ = (field: string, simulated: unknown, expected: unknown): void => {
      if (JSON.stringify(simulated) !== JSON.stringify(expected)) {
        differences.push({ step: index, field, simulated, real: expected });
      }
    };
    // Code of a payload or of the hypervisor is run: what it returns is not simulated.
    if ('extra' in real.step || 'version' in real.step) {
      if (real.died !== undefined) return differences;
      target.hypervisor.machine.console.take();
      continue;
    }
    const result = perform(target, real.step, files);
    const { stopped } = host;
    if (stopped?.hook) {
      // The simulator stops in front of a hook; what the hook and the host do then is not compared.
      const lines = texts(host.machine.console.take());
      differ('lines before the hook', lines, realTexts(real.lines ?? real.died ?? []).slice(0, lines.length));
      return differences;
    }
    if (stopped?.panic) {
      if (real.died === undefined) differ('died', stopped.panic.message, 'the host lives');
      else differ('panic', panicOf(texts(stopped.panic.screen)), panicOf(real.died));
      return differences;
    }
    if (real.died !== undefined) {
      differ('died', 'the host lives', panicOf(real.died));
      return differences;
    }
    differ('ret', result.ret, real.ret);
    const lines = texts(host.machine.console.take());
    // Where the key's own handler is patched, something else is printed.
    if (!('dump' in real.step) || real.lines?.[0]?.startsWith("'x' pressed")) {
      differ('lines', lines, realTexts(real.lines ?? []));
    }
    if (real.list !== undefined) differ('list', result.list, real.list);
    if (real.status !== undefined || result.status !== undefined) differ('status', result.status, real.status);
    if (real.dump !== undefined) {
      target.dump();
      const dump = host.machine.console.take();
      // Where the key's own handler is patched, something else is printed.
      if (real.dump[0]?.startsWith("'x' pressed")) differ('dump', texts(dump), realTexts(real.dump));
      for (const line of dump) {
        const found = / patch ([0-9a-f]{16})\(\d+\) with/.exec(line);
        if (found) seen.add(BigInt(`0x${found[1]}`));
      }
    }
    if (real.live !== undefined) {
      for (const address of seen) {
        // Variables of a running host hold what it has done so far.
        if (!isCode(image, address)) continue;
        const bytes = peek(host, address, 48);
        const live = bytes === null ? null : liveBytes(address, hex(bytes), normalise);
        const expected = real.live[normalise(pointerText(address))];
        // Behind the patch other builds have other code.
        const count = sameBuild ? undefined : (live?.indexOf('>') ?? -1) + 1 || undefined;
        differ(`live ${pointerText(address)}`, live?.slice(0, count), expected?.slice(0, count));
      }
    }
    if (real.regions !== undefined)
      differ(
        'regions',
        regionsOf(host, nameOf(real.step), normalise, sameBuild),
        withoutPages(real.regions, sameBuild),
      );
  }
  return differences;
}

function isCode(image: Image, address: bigint): boolean {
  const { textStart, textEnd } = image.core;
  const end = image.linker('__2M_rwdata_end') ?? 0n;
  return (address >= textStart && address < textEnd) || address >= end;
}

const nameOf = (step: Step): string => {
  if ('upload' in step) return step.as ?? step.upload;
  if ('raw' in step) return (step.raw.name ?? '').replace(/\0.*/s, '');
  return '';
};

interface Outcome {
  ret?: number | string;
  status?: { state: string; rc: number | string };
  list?: unknown;
}

function perform(target: SimulatedTarget, step: Step, files: ReadonlyMap<string, Uint8Array>): Outcome {
  const host = target.hypervisor;
  if ('dump' in step) {
    target.dump();
    return { ret: 0 };
  }
  const raw = rawOf(step);
  const { ret, list } = call(target, raw, files);
  target.idle();
  if (host.stopped !== null) return { ret };
  const named = 'list' in step || raw.name === undefined ? undefined : raw.name.replace(/\0.*/s, '');
  const asked = !('raw' in step) || (step.raw.sub === 3 && step.raw.name !== undefined);
  const payload = asked ? host.payloads.find((each) => each.name === named) : undefined;
  const outcome: Outcome = { ret };
  if (list !== undefined) outcome.list = list;
  if (payload !== undefined) outcome.status = { state: payload.state, rc: code(payload.rc) };
  return outcome;
}

/** The simulated caller's memory, as a PV guest's: it may not name the hypervisor's addresses. */
class RecordedGuestMemory extends ScratchGuestMemory implements CallMemory {
  readonly #sizes = new Map<bigint, number>();

  /** Source: xen/arch/x86/include/asm/x86_64/uaccess.h, __access_ok. */
  override okay(handle: bigint): boolean {
    return handle < 0x8000_0000_0000n || handle >= 0xffff_8800_0000_0000n;
  }

  placeOutput(bytes: Uint8Array | number): bigint {
    const handle = this.place(bytes);
    this.#sizes.set(handle, typeof bytes === 'number' ? bytes : bytes.length);
    return handle;
  }

  output(handle: bigint): Uint8Array {
    return this.read(handle, this.#sizes.get(handle) ?? 0) ?? new Uint8Array(0);
  }
}

function call(
  target: SimulatedTarget,
  op: RawOp,
  files: ReadonlyMap<string, Uint8Array>,
): { ret: number | string; list?: unknown } {
  const { hypervisor } = target;
  const memory = new RecordedGuestMemory();
  const prepared = prepareCall(hypervisor.release, op, files, memory);
  const rc = enter(hypervisor, () => doSysctl(hypervisor, memory, prepared.sysctl)) ?? Number.NaN;
  if (op.list === undefined) return { ret: code(rc) };
  return { ret: code(rc), list: listResult(memory, prepared, rc, op.list.nr) };
}

/** What a screen says about the death: the box, and the kind of trap; registers and stack are the real run's own. */
export function panicOf(screen: readonly string[]): { box: string[]; walk: string[]; where: string } {
  const first = screen.findIndex((line) => line.startsWith('Panic on CPU'));
  const box = first === -1 ? [] : screen.slice(first + 1, screen.indexOf('*'.repeat(40), first));
  // Which tables lie above an address that is not mapped differs with the host's memory; the heading does not.
  const walk = screen.filter((line) => line.startsWith('Pagetable walk from'));
  // The function that it died in; where in it is the compiler's business.
  const rip = screen.find((line) => line.startsWith('RIP:')) ?? '';
  return { box, walk, where: /\] ?([^+\s]*)/.exec(rip)?.[1] ?? '' };
}

type Regions = NonNullable<RecordedStep['regions']>;

function withoutPages(regions: Regions, sameBuild: boolean): unknown {
  if (sameBuild) return regions;
  return Object.fromEntries(Object.entries(regions).map(([kind, { at, pages }]) => [kind, { at, pages }]));
}

function regionsOf(host: Hypervisor, name: string, normalise: (text: string) => string, sameBuild: boolean): unknown {
  const payload = host.payloads.find((each) => each.name === name);
  if (payload === undefined) return undefined;
  const { text, rw, ro, pages } = payload;
  const end = text.addr + BigInt(pages * 4096);
  const region = (from: bigint, to: bigint) => {
    const size = Number(to - from);
    const bytes = (size > 0 ? peek(host, from, Math.min(size, 16384)) : null) ?? new Uint8Array(0);
    let length = bytes.length;
    while (length > 0 && bytes[length - 1] === 0) length--;
    return { at: normalise(pointerText(from)), pages: size / 4096, hex: hex(bytes.subarray(0, length)) };
  };
  return withoutPages(
    { text: region(text.addr, rw.addr), rw: region(rw.addr, ro.addr), ro: region(ro.addr, end) },
    sameBuild,
  );
}
