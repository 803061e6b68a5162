import type { Address, Finding } from '../base/index.ts';
import type { ElfFile } from '../elf/index.ts';
import { Budget } from './budget.ts';
import { CodePlaces } from './code-places.ts';
import { DW_AT_stmt_list, DW_TAG_subprogram } from './constants.ts';
import { Context } from './context.ts';
import { DebugSections, type Inflate } from './debug-sections.ts';
import { readLineHeader } from './line-header.ts';
import { runLineProgram } from './line-program.ts';
import type { LineTable } from './line-table.ts';
import { type NamedKind, NamesIndex } from './name-index.ts';
import { Problems } from './problems.ts';
import { RangeMap } from './range-map.ts';
import { type CodeRange, Ranges } from './ranges.ts';
import type { Entry, Unit } from './unit.ts';
import { Units } from './units.ts';

export interface DwarfOptions {
  /** Decompresses debug sections (`gcc -gz`); without it, they are a problem. */
  readonly inflate?: Inflate;
}

/**
 * The debug data of one ELF file: DWARF 3 to 5 in the 32-bit format. Decodes everything once, on first use. Bad data never throws: reads
 * what is readable, and reports the rest in {@link problems}.
 */
export class DwarfFile {
  readonly elf: ElfFile;
  /** Translates between addresses and sections: in a relocatable file, addresses are this room's own. */
  readonly places: CodePlaces;
  readonly #context: Context;
  readonly #units: Units;
  readonly #problems: Problems;
  readonly #ranges: Ranges;
  readonly #lineTables = new Map<number, LineTable | undefined>();
  #lineBudget: Budget | undefined;
  #names: NamesIndex | undefined;
  readonly #functions = new Map<Unit, RangeMap<Entry>>();
  #unitRanges: RangeMap<Unit> | undefined;

  /** Use {@link readDwarf}. */
  constructor(elf: ElfFile, options: DwarfOptions) {
    this.elf = elf;
    this.places = new CodePlaces(elf);
    this.#problems = new Problems();
    this.#context = new Context(new DebugSections(elf, this.places, this.#problems, options.inflate), this.#problems);
    this.#ranges = new Ranges(this.#context);
    this.#units = new Units(this.#context);
  }

  get units(): readonly Unit[] {
    return this.#units.all;
  }

  /** Problems in the data read so far. */
  get problems(): readonly Finding[] {
    return this.#problems.list;
  }

  /** Returns the defined types or functions of a name in all units, in file order. The first call builds an index. */
  find(kind: NamedKind, name: string): Entry[] {
    return this.#index.find(kind, name);
  }

  /** Returns all names of a kind. */
  names(kind: NamedKind): Iterable<string> {
    return this.#index.names(kind);
  }

  get #index(): NamesIndex {
    this.#names ??= new NamesIndex(this.#units, this.#context.strings);
    return this.#names;
  }

  /** Returns the entry at an offset of `.debug_info`. */
  entryAt(offset: number): Entry | undefined {
    return this.#units.entryAt(offset);
  }

  /** Returns the code ranges of a unit, function, block or inlined call. */
  rangesOf(entry: Entry): readonly CodeRange[] {
    return this.#ranges.of(entry);
  }

  /** Returns the unit of the code at an address. */
  unitAt(address: Address): Unit | undefined {
    this.#unitRanges ??= new RangeMap(
      this.units.map((unit) => [unit.root === undefined ? [] : this.rangesOf(unit.root), unit] as const),
    );
    return this.#unitRanges.at(address);
  }

  /** Returns the DW_TAG_subprogram of the code at an address. */
  subprogramAt(address: Address): Entry | undefined {
    const unit = this.unitAt(address);
    if (unit === undefined) return undefined;
    let functions = this.#functions.get(unit);
    if (functions === undefined) {
      functions = new RangeMap(this.subprogramsOf(unit));
      this.#functions.set(unit, functions);
    }
    return functions.at(address);
  }

  /** Returns the functions of a unit that have code, with their ranges. */
  *subprogramsOf(unit: Unit): Generator<readonly [readonly CodeRange[], Entry], void, void> {
    for (const entry of unit.root?.children() ?? []) {
      if (entry.tag !== DW_TAG_subprogram) continue;
      const ranges = this.rangesOf(entry);
      if (ranges.length > 0) yield [ranges, entry];
    }
  }

  /** Returns the line table of a unit; units may share one. `undefined` if there is none, or it is unreadable. */
  linesOf(unit: Unit): LineTable | undefined {
    const offset = unit.root?.number(DW_AT_stmt_list);
    if (offset === undefined) return undefined;
    if (!this.#lineTables.has(offset)) this.#lineTables.set(offset, this.#readLines(unit, offset));
    return this.#lineTables.get(offset);
  }

  #readLines(unit: Unit, offset: number): LineTable | undefined {
    const bytes = this.#context.sections.get('.debug_line');
    this.#lineBudget ??= new Budget(2 * bytes.length);
    const header = readLineHeader(this.#context, offset, unit.addressSize, this.#lineBudget);
    return header && runLineProgram(header, bytes);
  }
}

/** Cache by file and decompressor: several readers share one image. */
const opened = new WeakMap<ElfFile, Map<Inflate | undefined, DwarfFile>>();

/** Returns the debug data of a file, the same object for the same file; `undefined` without `.debug_info`. */
export function readDwarf(elf: ElfFile, { inflate }: DwarfOptions = {}): DwarfFile | undefined {
  if (elf.section('.debug_info') === undefined) return undefined;
  const known = opened.get(elf) ?? new Map<Inflate | undefined, DwarfFile>();
  opened.set(elf, known);
  let dwarf = known.get(inflate);
  if (dwarf === undefined) {
    dwarf = new DwarfFile(elf, inflate === undefined ? {} : { inflate });
    known.set(inflate, dwarf);
  }
  return dwarf;
}
