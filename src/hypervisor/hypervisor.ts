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

/** Work that schedule_work has accepted: `struct livepatch_work`. */
export interface LivepatchWork {
  readonly cmd: 'apply' | 'revert' | 'replace';
  readonly payload: LoadedPayload;
  /** Nanoseconds. */
  readonly timeout: number;
}

/**
 * A booted hypervisor: what the livepatch subsystem knows, and the machine under it. Plain state: what happens to it is in the file
 * named after the stage (`elf-load.ts`, `move-payload.ts`, …), each a function that takes this as its first argument.
 */
export interface Hypervisor {
  readonly machine: Machine;
  readonly image: Image;
  /** What the hypervisor finds of itself by name. */
  readonly symbols: ImageSymbols;
  readonly arch: Architecture;
  readonly options: HostOptions;
  readonly release: Release;
  readonly log: Log;
  readonly vmapXen: VmapXen;
  /** What the alternatives of payloads are held to. */
  readonly alternativeRules: AlternativeRules;
  /** For code that patches: memory with permissions, the host's NOPs, the release. */
  readonly patching: PatchContext;
  /** Where the image is mapped a second time while it is patched, on architectures that do that: `vmap_of_xen_text`. */
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
  /** Functions of the hypervisor that are being carried out, outermost first: for the panic screen. */
  readonly frames: string[];
  /** What was found since the last {@link takeFindings}. */
  findings: Finding[];
  /** Why nothing happens any more. */
  stopped: { readonly stop: HostStop; readonly panic: HostPanic | null; readonly hook: HookCall | null } | null;
  /** Carries out code of payloads and of the hypervisor; `null` where there is no processor for it. */
  code: CodeRunner | null;
  /** What a processor was at when it trapped for the last time. */
  trapped: TrappedState | null;
  /** Where the file of an upload, of so many pages, is held meanwhile: in VMAP_DEFAULT. */
  readonly uploadBuffer: (pages: number) => Address;
}

/** An integer as an unsigned one of the architecture's word: addresses, and the sums of ELF fields that no one tests for overflow. */
export const wrapped = ({ arch }: Pick<Hypervisor, 'arch'>, value: bigint): bigint =>
  BigInt.asUintN(arch.elf.pointerSize * 8, value);

/** Carries out `body` as the function `name` of the hypervisor: the panic screen names it. */
export function within<T>(hv: Hypervisor, name: string, body: () => T): T {
  hv.frames.push(name);
  const result = body();
  // Not in a finally: when the host stops, the frames are what the panic screen shows.
  hv.frames.pop();
  return result;
}

/** Adds a finding. */
export function report(hv: Hypervisor, rule: RuleId, message: string, where: Place = {}): void {
  hv.findings.push(finding(rule, { message, where }));
}

/** Everything reported since the last call. */
export function takeFindings(hv: Hypervisor): Finding[] {
  const { findings } = hv;
  hv.findings = [];
  return findings;
}
