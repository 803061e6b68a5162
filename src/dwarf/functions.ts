import type { Address } from '../base/index.ts';
import * as dw from './constants.ts';
import type { DwarfFile } from './file.ts';
import type { SourcePlace } from './line-table.ts';
import { type CodeRange, covers } from './ranges.ts';
import { callSiteOf, declarationOf, type SourceOptions, sourceAt } from './source.ts';
import type { Entry } from './unit.ts';

/** A function of the source, or a clone of it. */
export interface DebugFunction {
  readonly entry: Entry;
  /** The name in the source. The symbol of a clone may have a suffix: `domain_kill.part.0`. */
  readonly name: string;
  /** The symbol's name if it differs from the name in the source. */
  readonly linkageName: string | undefined;
  /** Whether it has external linkage. */
  readonly external: boolean;
  /** The start of the function; `undefined` if it has no code of its own. */
  readonly address: Address | undefined;
  /** Its code, starting with the entry; parts of it may be elsewhere (`.cold`). */
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

/** Returns the functions of a name that have code of their own: one per unit, and their clones. */
export const functionsNamed = (dwarf: DwarfFile, name: string, options: SourceOptions = {}): DebugFunction[] =>
  dwarf
    .find('function', name)
    .flatMap((entry) => debugFunction(dwarf, entry, options) ?? [])
    .filter(({ address }) => address !== undefined);

/** Returns the function whose code is at an address; not one that is inlined there. */
export function functionAt(dwarf: DwarfFile, address: Address, options: SourceOptions = {}): DebugFunction | undefined {
  const entry = dwarf.subprogramAt(address);
  return entry && debugFunction(dwarf, entry, options);
}

/** One of the functions that contain an address. */
export interface Frame {
  /** `undefined` for assembly, whose debug data has only lines. */
  readonly function: string | undefined;
  /** In the innermost frame, the source of the code; in the others, the call of the next inner one. */
  readonly source: SourcePlace | undefined;
}

/** Returns the function at an address and all that are inlined there, innermost first, like `addr2line -i`. */
export function framesAt(dwarf: DwarfFile, address: Address, options: SourceOptions = {}): Frame[] {
  const outer = dwarf.subprogramAt(address);
  if (outer === undefined) {
    const source = sourceAt(dwarf, address, options);
    return source === undefined ? [] : [{ function: undefined, source }];
  }
  const inside: Entry[] = [];
  const hit = (entry: Entry): boolean => covers(dwarf.rangesOf(entry), address);
  for (const { entry } of outer.descendants((entry) => isScope(entry) && hit(entry))) {
    // The walk enters only scopes that contain the address, so they come outermost first.
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

/** Tells whether an entry is a block or an inlined call, which has code of the enclosing function. */
export const isScope = ({ tag }: Entry): boolean =>
  tag === dw.DW_TAG_lexical_block || tag === dw.DW_TAG_inlined_subroutine;
