import type { CodeRange } from '../arch/index.ts';
import { type Address, addOffset, distance } from '../base/index.ts';
import { LIVEPATCH_OPAQUE_SIZE } from '../xen/index.ts';
import type { LintContext, OldFunction } from './context.ts';
import { lastUpTo } from './search.ts';

/** A branch in the hypervisor's code that leads into bytes which applying overwrites. */
export interface PatchBranch {
  readonly func: OldFunction;
  readonly from: Address;
  readonly to: Address;
  /** The function that the branch is in. */
  readonly name: string;
  /** Is it in the old function itself, behind what is overwritten? */
  readonly inside: boolean;
}

/** First byte that applying overwrites, and the first one behind. */
export function patchRange({ address, patchOffset, patchLength }: OldFunction): { start: Address; end: Address } {
  const start = addOffset(address, patchOffset);
  return { start, end: addOffset(start, patchLength) };
}

/** What applying overwrites, in ascending order of addresses, for look-ups. */
export interface PatchedRange {
  readonly func: OldFunction;
  readonly start: Address;
  /** The first byte behind. */
  readonly end: Address;
}

/** All ranges that the payload overwrites, sorted by where they start. */
export const patchedRanges = (context: LintContext): readonly PatchedRange[] =>
  context.once('patchedRanges', () => sortedRanges(context.oldFunctions));

/** The same of any list of functions. */
export const sortedRanges = (functions: readonly OldFunction[]): PatchedRange[] =>
  functions
    .map((func) => ({ func, ...patchRange(func) }))
    .filter(({ start, end }) => end > start)
    .sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : a.func.entry.index - b.func.entry.index));

/** The range that an address is in. */
export function rangeAt(ranges: readonly PatchedRange[], address: Address): PatchedRange | undefined {
  const found = lastUpTo(ranges, address, ({ start }) => start);
  return found !== undefined && address < found.end ? found : undefined;
}

/**
 * The places inside of what is overwritten where no instruction starts afterwards: offsets from its first byte. A jump has none but its
 * first; a run of NOPs has those at multiples of the longest one.
 */
const cutOffsets = (context: LintContext, { entry, patchLength }: OldFunction): number[] => {
  const step = entry.newAddr.kind === 'null' ? (context.arch.code?.longestNop ?? 1) : patchLength;
  // More NOPs than Xen can save are refused.
  const length = Math.min(patchLength, LIVEPATCH_OPAQUE_SIZE);
  return Array.from({ length }, (_, i) => i).filter((i) => i % step !== 0);
};

/** Direct branches in the hypervisor's resident code to such places, each seen by the disassembler to be an instruction. */
export function branchesIntoPatches(context: LintContext): readonly PatchBranch[] {
  return context.once('branchesIntoPatches', () => {
    const forms = context.arch.code;
    const { oldFunctions } = context;
    if (forms === undefined || oldFunctions.length === 0) return [];
    const { start, bytes } = context.coreText;
    const targets: CodeRange[] = [];
    const byTarget = new Map<number, OldFunction>();
    for (const func of oldFunctions) {
      const first = distance(start, patchRange(func).start);
      if (first === undefined || first < 0) continue;
      for (const cut of cutOffsets(context, func)) {
        if (first + cut >= bytes.length) break;
        targets.push({ start: first + cut, end: first + cut + 1 });
        byTarget.set(first + cut, func);
      }
    }
    const found: PatchBranch[] = [];
    for (const { at, size, target } of forms.branchesTo(bytes, targets)) {
      const func = byTarget.get(target);
      const from = addOffset(start, at);
      // What is overwritten jumps nowhere any more.
      if (func === undefined || (from >= patchRange(func).start && from < patchRange(func).end)) continue;
      const branch = context.coreInstructionAt(from);
      if (branch === undefined || branch.size < size) continue;
      const inside = from >= func.address && from < addOffset(func.address, func.room);
      found.push({ func, from, to: addOffset(start, target), name: branch.name, inside });
    }
    return found;
  });
}
