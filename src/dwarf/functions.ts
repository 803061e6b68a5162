import type { Address } from '../base/index.ts';
import * as dw from './constants.ts';
import type { DwarfFile } from './file.ts';
import type { SourcePlace } from './line-table.ts';
import { type CodeRange, covers } from './ranges.ts';
import { callSiteOf, declarationOf, type SourceOptions, sourceAt } from './source.ts';
import type { Entry } from './unit.ts';

/** A function as the source has it, or code that was made from it. */
export interface DebugFunction {
  readonly entry: Entry;
  /** The name in the source. The symbol of a clone may have more: `domain_kill.part.0`. */
  readonly name: string;
  /** The symbol's name where it is not the name in the source. */
  readonly linkageName: string | undefined;
  /** Is the name known in other units? */
  readonly external: boolean;
  /** Where the function begins; `undefined` for one without code of its own. */
  readonly address: Address | undefined;
  /** Its code, the place where it begins first; parts of it may be elsewhere (`.cold`). */
  readonly ranges: readonly CodeRange[];
  readonly declaration: SourcePlace | undefined;
}

/** Reads a DW_TAG_subprogram; `undefined` for one without a name. */
export function debugFunction(dwarf: DwarfFile, entry: Entry, options: SourceOptions = {}): DebugFunction | undefined {
  const { name } = entry;
  if (name === undefined) return undefined;
  let linkageName: string | undefined;
  let external = false;
  for (const origin of entry.origins()) {
    linkageName ??= origin.text(dw.DW_AT_linkage_name) ?? origin.text(dw.DW_AT_MIPS_linkage_name);
    external ||= origin.flag(dw.DW_AT_external);
  }
  const ranges = dwarf.rangesOf(entry);
  const declaration = declarationOf(dwarf, entry, options);
  return { entry, name, linkageName, external, address: ranges[0]?.low, ranges, declaration };
}

/** The functions of a name with code of their own: one for each unit that has one, and their clones. */
export const functionsNamed = (dwarf: DwarfFile, name: string, options: SourceOptions = {}): DebugFunction[] =>
  dwarf
    .find('function', name)
    .flatMap((entry) => debugFunction(dwarf, entry, options) ?? [])
    .filter(({ address }) => address !== undefined);

/** The function whose code is at an address; not one that is inlined there. */
export function functionAt(dwarf: DwarfFile, address: Address, options: SourceOptions = {}): DebugFunction | undefined {
  const entry = dwarf.subprogramAt(address);
  return entry && debugFunction(dwarf, entry, options);
}

/** One of the functions that an address is in. */
export interface Frame {
  /** `undefined` for assembly, whose debug data has lines only. */
  readonly function: string | undefined;
  /** Of the innermost frame, where the code is from; of the others, where they call the next inner one. */
  readonly source: SourcePlace | undefined;
}

/** The function at an address and all that are inlined there, innermost first, as `addr2line -i` has them. */
export function framesAt(dwarf: DwarfFile, address: Address, options: SourceOptions = {}): Frame[] {
  const outer = dwarf.subprogramAt(address);
  if (outer === undefined) {
    const source = sourceAt(dwarf, address, options);
    return source === undefined ? [] : [{ function: undefined, source }];
  }
  const inside: Entry[] = [];
  const hit = (entry: Entry): boolean => covers(dwarf.rangesOf(entry), address);
  for (const { entry } of outer.descendants((entry) => isScope(entry) && hit(entry))) {
    // A branch that is not hit is not entered, so those that are hit come outermost first.
    if (entry.tag === dw.DW_TAG_inlined_subroutine && hit(entry)) inside.push(entry);
  }
  const frames: Frame[] = [];
  let source = sourceAt(dwarf, address, options);
  for (const entry of inside.reverse()) {
    frames.push({ function: entry.name, source });
    source = callSiteOf(dwarf, entry, options);
  }
  return [...frames, { function: outer.name, source }];
}

/** Does the entry hold code of the function that it is in? */
export const isScope = ({ tag }: Entry): boolean =>
  tag === dw.DW_TAG_lexical_block || tag === dw.DW_TAG_inlined_subroutine;
