import type { Architecture } from '../arch/index.ts';
import type { Address, Finding } from '../base/index.ts';
import type { XenIdentity } from '../documents/index.ts';
import { isProblem } from '../elf/index.ts';
import type {
  CacheMaintenance,
  FunctionDescription,
  HookCall,
  Image,
  PayloadDescription,
} from '../hypervisor/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import { readPayload } from '../payload/index.ts';
import { withCalls } from '../synth/index.ts';
import {
  type CallableTarget,
  type DumpedFunction,
  type ObservableTarget,
  RELEASES,
  type Release,
  readDump,
} from '../xen/index.ts';
import { StepHistory } from './step-history.ts';

/** Where steps take place: a target, what can be known about the hypervisor behind it, and what the steps so far have done. */
export interface Stage {
  readonly history: StepHistory;
  readonly identity: XenIdentity;
  /** What the image did not say, and what was taken instead. */
  readonly assumed: readonly string[];
  readonly target: ObservableTarget;
  readonly arch: Architecture;
  /** The hypervisor's own text. */
  readonly text: { readonly start: Address; readonly end: Address };
  describe(name: string): Promise<PayloadDescription | null>;
  /** The symbol at an address, for what is printed. */
  nameAt(address: Address): string | undefined;
  /** May code be executed there? `undefined` where this cannot be seen from outside. */
  executable(address: Address): boolean | undefined;
  /** A value that is equal for equal machines; `undefined` where there is none. */
  digest(): string | undefined;
  takeFindings(): Finding[];
  /** What was done to caches since the last call; nothing where that cannot be seen. */
  takeCacheMaintenance(): CacheMaintenance[];
  /** The call into payload code that ended a simulation. */
  hookReached(): HookCall | null;
  /** Returns a function that names the symbols of the hypervisor's data that have changed since; none where that cannot be seen. */
  watchData(): () => readonly string[];
  /** Calls a function on the target; `null` where that cannot be done there. */
  readonly call: CallableTarget['call'] | null;
}

/**
 * A stage known only by what a target shows: the key `x` and its memory. `image` is the hypervisor's own `xen-syms`.
 */
export function observedStage(
  target: ObservableTarget,
  image: Image,
  identity: XenIdentity,
  payloads: readonly PayloadInput[],
): Stage {
  const { textStart, textEnd } = image.core;
  const release = image.release?.release;
  const symbols = release === undefined ? undefined : image.symbolsFor(release);
  const callable = release === undefined ? null : withCalls(target, { image, release });
  return {
    history: new StepHistory(),
    identity,
    assumed: [],
    target: callable ?? target,
    arch: image.arch,
    text: { start: textStart, end: textEnd },
    describe: (name) => describeFromDump(target, image, name, payloads),
    nameAt: (address) => symbols?.at(address)?.name,
    executable: () => undefined,
    digest: () => undefined,
    takeFindings: () => [],
    takeCacheMaintenance: () => [],
    watchData: () => () => [],
    hookReached: () => null,
    call: callable?.call ?? null,
  };
}

/** Describes a payload by what the key `x` prints of it and, where the file is known, by what is in that. */
async function describeFromDump(
  target: ObservableTarget,
  image: Image,
  name: string,
  payloads: readonly PayloadInput[],
): Promise<PayloadDescription | null> {
  await target.dump();
  const dumped = readDump(await target.takeConsole()).find((payload) => payload.name === name);
  if (dumped === undefined) return null;
  const { text, rw, ro, pages, state } = dumped;
  const functions: FunctionDescription[] = [];
  for (const func of dumped.functions) functions.push(await describeFunction(target, image, func, state === 'APPLIED'));
  const bytes = payloads.find((each) => each.name === name)?.bytes;
  const file = bytes === undefined ? null : readPayload(bytes);
  const { safeToReapply, hooks } = file === null || isProblem(file) ? { safeToReapply: false, hooks: [] } : file;
  return { text, rw, ro, pages, safeToReapply, hooks: hooks.map(({ kind }) => kind), functions };
}

async function describeFunction(
  target: ObservableTarget,
  { arch, release: known }: Image,
  func: DumpedFunction,
  applied: boolean,
): Promise<FunctionDescription> {
  // An image that does not say its release is taken for one of the newest.
  const release = known?.release ?? (RELEASES.at(-1) as Release);
  // Architectures without a landing pad have nothing to look at.
  const start = arch.entrySize === 0 ? null : await target.peek(func.oldAddr, arch.entrySize);
  const patchOffset = start === null ? 0 : arch.patchOffset(start, release);
  return { ...func, patchOffset, applied, length: arch.insnLength(func, patchOffset) };
}
