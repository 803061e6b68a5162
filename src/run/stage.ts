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

/** Where steps take place: a target, what is known of its hypervisor, and the history of the steps so far. */
export interface Stage {
  readonly history: StepHistory;
  readonly identity: XenIdentity;
  /** What the image does not say, and what is assumed instead. */
  readonly assumed: readonly string[];
  readonly target: ObservableTarget;
  /** The image that the hypervisor was booted from. */
  readonly image: Image;
  /** The release whose rules are in force. */
  readonly release: Release;
  /** Describes a payload; `null` if it is not loaded. */
  describe(name: string): Promise<PayloadDescription | null>;
  /** Returns the symbol at an address, for messages. */
  nameAt(address: Address): string | undefined;
  /** Is the memory executable? `undefined` if that cannot be seen from outside. */
  executable(address: Address): boolean | undefined;
  /** Returns a digest of all memory and its mapping; `undefined` if memory cannot be read as a whole. */
  digest(): string | undefined;
  /** Returns the simulator's findings since the last call; none from a real host. */
  takeFindings(): Finding[];
  /** Returns the cache maintenance since the last call; nothing if that cannot be seen. */
  takeCacheMaintenance(): CacheMaintenance[];
  /** Returns the hook in front of which the simulation ended; `null` if it goes on. */
  hookReached(): HookCall | null;
  /** Watches the hypervisor's data. The function that it returns names the symbols that have changed since; none if that cannot be seen. */
  watchData(): () => readonly string[];
  /** Calls a function on the target; `null` on a target that cannot. */
  readonly call: CallableTarget['call'] | null;
}

/** Makes a stage that sees what the target shows: the output of the key `x`, and memory. `image` is the hypervisor's own `xen-syms`. */
export function observedStage(
  target: ObservableTarget,
  image: Image,
  identity: XenIdentity,
  payloads: readonly PayloadInput[],
): Stage {
  // Assume the newest release if the image does not say.
  const release = image.release?.release ?? (RELEASES.at(-1) as Release);
  const symbols = image.symbolsFor(release);
  const callable = withCalls(target, { image, release });
  return {
    history: new StepHistory(),
    identity,
    assumed: [],
    target: callable,
    image,
    release,
    describe: (name) => describeFromDump(target, { image, release }, name, payloads),
    nameAt: (address) => symbols.at(address)?.name,
    executable: () => undefined,
    digest: () => undefined,
    takeFindings: () => [],
    takeCacheMaintenance: () => [],
    watchData: () => () => [],
    hookReached: () => null,
    call: callable.call,
  };
}

/** Describes a payload from the output of the key `x` and, if it is known, from its file. */
async function describeFromDump(
  target: ObservableTarget,
  xen: Pick<Stage, 'image' | 'release'>,
  name: string,
  payloads: readonly PayloadInput[],
): Promise<PayloadDescription | null> {
  await target.dump();
  const dumped = readDump(await target.takeConsole()).find((payload) => payload.name === name);
  if (dumped === undefined) return null;
  const { text, rw, ro, pages, state } = dumped;
  const functions: FunctionDescription[] = [];
  for (const func of dumped.functions) functions.push(await describeFunction(target, xen, func, state === 'APPLIED'));
  const bytes = payloads.find((each) => each.name === name)?.bytes;
  const file = bytes === undefined ? null : readPayload(bytes);
  const { safeToReapply, hooks } = file === null || isProblem(file) ? { safeToReapply: false, hooks: [] } : file;
  return { text, rw, ro, pages, safeToReapply, hooks: hooks.map(({ kind }) => kind), functions };
}

async function describeFunction(
  target: ObservableTarget,
  { image: { arch }, release }: Pick<Stage, 'image' | 'release'>,
  func: DumpedFunction,
  applied: boolean,
): Promise<FunctionDescription> {
  // Only architectures with landing pads patch behind the function's start.
  const start = arch.entrySize === 0 ? null : await target.peek(func.oldAddr, arch.entrySize);
  const patchOffset = start === null ? 0 : arch.patchOffset(start, release);
  return { ...func, patchOffset, applied, length: arch.insnLength(func, patchOffset) };
}
