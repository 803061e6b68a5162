import type { Architecture, PatchContext, VirtualRegion } from '../arch/index.ts';
import { type Address, type Finding, finding, type Place } from '../base/index.ts';
import type { RuleId } from '../catalogue/index.ts';
import type { Machine } from '../machine/index.ts';
import type { AlternativeRules, HostPanic, Release } from '../xen/index.ts';
import type { CacheLog } from './cache-maintenance.ts';
import type { CodeRunner } from './code-port.ts';
import type { HostOptions } from './host-options.ts';
import type { Image } from './image.ts';
import type { ImageSymbols } from './image-symbols.ts';
import type { Log } from './log.ts';
import type { LoadedPayload } from './payload.ts';
import type { HookCall, HostStop } from './stop.ts';
import type { TrappedState } from './trapped-state.ts';
import type { VmapXen } from './vmap.ts';

/** `struct livepatch_work`: work that schedule_work has accepted. */
export interface LivepatchWork {
  readonly cmd: 'apply' | 'revert' | 'replace';
  readonly payload: LoadedPayload;
  /** Nanoseconds. */
  readonly timeout: number;
}

/**
 * A booted hypervisor: the state of the livepatch subsystem, and the machine under it. Plain data: the file of each stage (`elf-load.ts`,
 * `move-payload.ts`, …) has functions that take this as their first argument.
 */
export interface Hypervisor {
  readonly machine: Machine;
  readonly image: Image;
  /** The hypervisor's own symbols by name. */
  readonly symbols: ImageSymbols;
  readonly arch: Architecture;
  readonly options: HostOptions;
  readonly release: Release;
  readonly log: Log;
  readonly vmapXen: VmapXen;
  /** The rules for payloads' alternatives. */
  readonly alternativeRules: AlternativeRules;
  /** What the architecture's patching code uses: memory with permissions, the host's NOPs, the release. */
  readonly patching: PatchContext;
  /** Address of the image's second mapping while it is patched, on architectures that use one: `vmap_of_xen_text`. */
  textAlias: Address | null;
  /** Cache maintenance since the last take, on architectures that leave it to software. */
  readonly caches: CacheLog;
  /** payload_list, in upload order. */
  payloads: LoadedPayload[];
  /** applied_list, in the order of application. */
  applied: LoadedPayload[];
  /** payload_version: changes with every upload and unload. */
  payloadVersion: number;
  /** Registered virtual regions, the core first. */
  regions: VirtualRegion[];
  /** The action that waits for the CPUs to meet. */
  work: LivepatchWork | null;
  /** Active functions of the hypervisor, outermost first: for the panic screen. */
  readonly frames: string[];
  /** Findings since the last {@link takeFindings}. */
  findings: Finding[];
  /** Why the host is down; `null` while it runs. */
  stopped: { readonly stop: HostStop; readonly panic: HostPanic | null; readonly hook: HookCall | null } | null;
  /** Runs code of payloads and of the hypervisor; `null` without a processor. */
  code: CodeRunner | null;
  /** The processor's state at the last trap. */
  trapped: TrappedState | null;
  /** Returns the address of an upload's buffer of that many pages, in VMAP_DEFAULT. */
  readonly uploadBuffer: (pages: number) => Address;
}

/** Wraps an integer to the architecture's word: for addresses, and for sums of ELF fields that Xen does not check for overflow. */
export const wrapped = ({ arch }: Pick<Hypervisor, 'arch'>, value: bigint): bigint =>
  BigInt.asUintN(arch.elf.pointerSize * 8, value);

/** Runs `body` as the hypervisor's function `name`, which the panic screen shows. */
export function within<T>(hv: Hypervisor, name: string, body: () => T): T {
  hv.frames.push(name);
  const result = body();
  // Not in a finally block: when the host stops, the panic screen shows the frames.
  hv.frames.pop();
  return result;
}

/** Adds a finding. */
/** Reads a pointer from the hypervisor's memory. May fault. */
export const readPointer = ({ arch, machine }: Hypervisor, address: Address): Address =>
  arch.elf.pointerSize === 8 ? machine.space.readU64(address) : BigInt(machine.space.readU32(address));

export function report(hv: Hypervisor, rule: RuleId, message: string, where: Place = {}): void {
  hv.findings.push(finding(rule, { message, where }));
}

/** Returns the findings reported since the last call. */
export function takeFindings(hv: Hypervisor): Finding[] {
  const { findings } = hv;
  hv.findings = [];
  return findings;
}
