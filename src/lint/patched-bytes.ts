import type { CodeRange } from '../arch/index.ts';
import { type Address, addOffset, distance } from '../base/index.ts';
import { LIVEPATCH_OPAQUE_SIZE } from '../xen/index.ts';
import type { LintContext, OldFunction } from './context.ts';
import { lastUpTo } from './search.ts';

/** A branch in the hypervisor's code into bytes that apply overwrites. */
export interface PatchBranch {
  readonly func: OldFunction;
  readonly from: Address;
  readonly to: Address;
  /** The function that contains the branch. */
  readonly name: string;
  /** Whether the branch is in the old function itself, after the overwritten bytes. */
  readonly inside: boolean;
}

/** Returns the range of bytes that apply overwrites. */
export function patchRange({ address, patchOffset, patchLength }: OldFunction): { start: Address; end: Address } {
  const start = addOffset(address, patchOffset);
  return { start, end: addOffset(start, patchLength) };
}

/** A range of bytes that apply overwrites. */
export interface PatchedRange {
  readonly func: OldFunction;
  readonly start: Address;
  /** Exclusive. */
  readonly end: Address;
}

/** Returns all ranges that the payload overwrites, sorted by start. */
export const patchedRanges = (context: LintContext): readonly PatchedRange[] =>
  context.once('patchedRanges', () => sortedRanges(context.oldFunctions));

/** Returns the ranges of any list of functions, sorted by start. */
export const sortedRanges = (functions: readonly OldFunction[]): PatchedRange[] =>
  functions
    .map((func) => ({ func, ...patchRange(func) }))
    .filter(({ start, end }) => end > start)
    .sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : a.func.entry.index - b.func.entry.index));

/** Returns the range that contains an address. */
export function rangeAt(ranges: readonly PatchedRange[], address: Address): PatchedRange | undefined {
  const found = lastUpTo(ranges, address, ({ start }) => start);
  return found !== undefined && address < found.end ? found : undefined;
}

/**
 * Returns the offsets in the overwritten bytes at which no instruction starts afterwards. A jump has only its first byte; in a run of
 * NOPs, an instruction starts at multiples of the longest one.
 */
const cutOffsets = (context: LintContext, { entry, patchLength }: OldFunction): number[] => {
  const step = entry.newAddr.kind === 'null' ? (context.arch.code?.longestNop ?? 1) : patchLength;
  // Xen refuses more NOPs than it can save.
  const length = Math.min(patchLength, LIVEPATCH_OPAQUE_SIZE);
  return Array.from({ length }, (_, i) => i).filter((i) => i % step !== 0);
};

/** Returns direct branches in the hypervisor's resident code to such offsets, each confirmed by the disassembler. */
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
      // Ignore branches that apply itself overwrites.
      if (func === undefined || (from >= patchRange(func).start && from < patchRange(func).end)) continue;
      const branch = context.coreInstructionAt(from);
      if (branch === undefined || branch.size < size) continue;
      const inside = from >= func.address && from < addOffset(func.address, func.room);
      found.push({ func, from, to: addOffset(start, target), name: branch.name, inside });
    }
    return found;
  });
}
