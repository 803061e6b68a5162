import type { Abbreviation, AbbreviationTable } from './abbreviations.ts';
import { type AttributeValue, readValue } from './attribute.ts';
import * as dw from './constants.ts';
import type { Context } from './context.ts';
import { Cursor } from './cursor.ts';
import { skipForm } from './forms.ts';
import type { UnitHeader } from './unit-header.ts';

/** Maximum depth of origins of origins; no compiler emits more than two. */
const ORIGINS_MAX = 16;

/** Finds entries in all units of a file; `units.ts` implements it. */
export interface EntryLookup {
  /** Returns the entry at an offset of `.debug_info`, which a reference names; `undefined` if there is none. */
  entryAt(offset: number): Entry | undefined;
  /** Returns the type of the type unit with this signature (DW_FORM_ref_sig8). */
  typeBySignature(signature: bigint): Entry | undefined;
}

/** One compilation unit. Reads its entries on demand. */
export class Unit {
  readonly context: Context;
  readonly header: UnitHeader;
  readonly entries: EntryLookup;
  readonly #bases = new Map<number, number | undefined>();
  #abbreviations: AbbreviationTable | undefined;
  #root: Entry | null | undefined;
  #lowPc: bigint | undefined;

  constructor(context: Context, header: UnitHeader, entries: EntryLookup) {
    this.context = context;
    this.header = header;
    this.entries = entries;
  }

  get offset(): number {
    return this.header.offset;
  }

  get end(): number {
    return this.header.end;
  }

  get version(): 3 | 4 | 5 {
    return this.header.version;
  }

  /** Size of an address in bytes. */
  get addressSize(): 4 | 8 {
    return this.header.addressSize;
  }

  /** The unit's own entry; `undefined` if it is unreadable. */
  get root(): Entry | undefined {
    this.#root ??= this.entryAt(this.header.rootOffset) ?? null;
    return this.#root ?? undefined;
  }

  /** The source file on the compiler's command line. */
  get name(): string | undefined {
    return this.root?.text(dw.DW_AT_name);
  }

  /** The compilation directory. */
  get directory(): string | undefined {
    return this.root?.text(dw.DW_AT_comp_dir);
  }

  /** Default base of the addresses in range lists. */
  get lowPc(): bigint {
    this.#lowPc ??= this.root?.address(dw.DW_AT_low_pc) ?? 0n;
    return this.#lowPc;
  }

  cursor(at: number): Cursor {
    return new Cursor(this.context.info, at, this.end, this.context.infoView);
  }

  get abbreviations(): AbbreviationTable {
    this.#abbreviations ??= this.context.abbreviations(this.header);
    return this.#abbreviations;
  }

  /** Returns the entry at an offset of `.debug_info`; `undefined` at the end of children, outside the unit, and for damage. */
  entryAt(offset: number): Entry | undefined {
    if (offset < this.header.rootOffset || offset >= this.end) return undefined;
    const cursor = this.cursor(offset);
    const code = cursor.uleb();
    if (code === 0) return undefined;
    const abbreviation = this.abbreviations.get(code);
    if (abbreviation !== undefined) return new Entry(this, offset, abbreviation, cursor.at);
    this.context.problems.add(`Abbreviation ${code} is not defined`, '.debug_info', offset);
    return undefined;
  }

  /** Tells whether the list of children ends here. */
  isNull(offset: number): boolean {
    return this.context.info[offset] === 0;
  }

  /** Skips the attributes of an entry; returns false if they are unreadable. */
  skipAttributes(cursor: Cursor, abbreviation: Abbreviation): boolean {
    for (const step of abbreviation.steps) {
      if (step > 0) cursor.skip(step);
      else if (!skipForm(cursor, -step, this.addressSize)) {
        this.context.problems.add(`Unknown form 0x${(-step).toString(16)}`, '.debug_info', cursor.at);
        return false;
      }
    }
    return !cursor.overrun;
  }

  /** Skips all entries up to the end of the list that starts at `at`. */
  skipChildren(at: number): number {
    const cursor = this.cursor(at);
    let depth = 1;
    while (depth > 0 && !cursor.done) {
      const code = cursor.uleb();
      if (code === 0) {
        depth--;
        continue;
      }
      const abbreviation = this.abbreviations.get(code);
      if (abbreviation === undefined || !this.skipAttributes(cursor, abbreviation)) return this.end;
      if (abbreviation.hasChildren) depth++;
    }
    return cursor.overrun ? this.end : cursor.at;
  }

  /** Returns the text of DW_FORM_strx. */
  indexedText(index: number): string {
    return this.context.strings.indexed(this.#base(dw.DW_AT_str_offsets_base), index);
  }

  /** Returns the address of DW_FORM_addrx: a row of `.debug_addr` (DWARF 5, 7.27). */
  indexedAddress(index: number): bigint | undefined {
    const base = this.#base(dw.DW_AT_addr_base);
    if (base === undefined) {
      const message = 'An address is given by index, but the unit has no DW_AT_addr_base';
      this.context.problems.add(message, '.debug_info', this.offset);
      return undefined;
    }
    const at = base + index * this.addressSize;
    const cursor = new Cursor(this.context.sections.get('.debug_addr'), at);
    const address = cursor.address(this.addressSize);
    if (!cursor.overrun) return address;
    this.context.problems.add('An address is past the end of the section', '.debug_addr', at);
    return undefined;
  }

  /** DW_AT_rnglists_base. */
  get rangeListsBase(): number | undefined {
    return this.#base(dw.DW_AT_rnglists_base);
  }

  #base(attribute: number): number | undefined {
    if (!this.#bases.has(attribute)) {
      // The base itself is never given by index, so reading it does not recurse.
      this.#bases.set(attribute, this.root?.number(attribute));
    }
    return this.#bases.get(attribute);
  }
}

/**
 * One debugging information entry (DWARF 5, 2.1). Reads attributes on demand. An attribute that is missing, truncated or of another class
 * than requested is `undefined`.
 */
export class Entry {
  readonly unit: Unit;
  /** In bytes from the start of `.debug_info`; identifies the entry. */
  readonly offset: number;
  readonly #abbreviation: Abbreviation;
  readonly #attributesAt: number;

  /** Use {@link Unit.entryAt}. */
  constructor(unit: Unit, offset: number, abbreviation: Abbreviation, attributesAt: number) {
    this.unit = unit;
    this.offset = offset;
    this.#abbreviation = abbreviation;
    this.#attributesAt = attributesAt;
  }

  /** DW_TAG_… */
  get tag(): number {
    return this.#abbreviation.tag;
  }

  get hasChildren(): boolean {
    return this.#abbreviation.hasChildren;
  }

  /** Returns the value of an attribute, DW_AT_… */
  attribute(name: number): AttributeValue | undefined {
    const { names, forms, constants } = this.#abbreviation;
    const row = names.indexOf(name);
    if (row < 0) return undefined;
    const cursor = this.unit.cursor(this.#attributesAt);
    for (let i = 0; i < row; i++) {
      if (!skipForm(cursor, forms[i] as number, this.unit.addressSize)) return undefined;
    }
    const value = readValue(this.unit, cursor, forms[row] as number, constants[row] ?? 0);
    return cursor.overrun ? undefined : value;
  }

  /** Returns a constant as a number; inexact above 2^53. */
  number(name: number): number | undefined {
    const value = this.attribute(name);
    return value?.kind === 'number' ? Number(value.value) : undefined;
  }

  text(name: number): string | undefined {
    const value = this.attribute(name);
    return value?.kind === 'text' ? value.value : undefined;
  }

  address(name: number): bigint | undefined {
    const value = this.attribute(name);
    return value?.kind === 'address' ? value.value : undefined;
  }

  flag(name: number): boolean {
    const value = this.attribute(name);
    return value?.kind === 'flag' && value.value;
  }

  /** Returns the entry that an attribute refers to; for a stub of a type in a type unit, that type (DWARF 5, 5.7.3.2). */
  reference(name: number): Entry | undefined {
    const value = this.attribute(name);
    if (value?.kind === 'signature') return this.unit.entries.typeBySignature(value.value);
    const entry = value?.kind === 'reference' ? this.unit.entries.entryAt(value.value) : undefined;
    const signature = entry?.attribute(dw.DW_AT_signature);
    return signature?.kind === 'signature' ? this.unit.entries.typeBySignature(signature.value) : entry;
  }

  /**
   * Returns the entry itself, then the entries that it is a copy of or completes: DW_AT_abstract_origin, DW_AT_specification, and so on. These
   * have the attributes that the entry itself lacks (DWARF 5, 2.13.2 and 3.3.8).
   */
  *origins(): Generator<Entry, void, void> {
    let entry: Entry | undefined = this;
    for (let i = 0; entry !== undefined && i < ORIGINS_MAX; i++) {
      yield entry;
      entry = entry.reference(dw.DW_AT_abstract_origin) ?? entry.reference(dw.DW_AT_specification);
    }
  }

  /** Its own name or that of an origin; `undefined` if there is none. */
  get name(): string | undefined {
    for (const entry of this.origins()) {
      const name = entry.text(dw.DW_AT_name);
      if (name !== undefined) return name;
    }
    return undefined;
  }

  /** The end of the attributes, an offset in `.debug_info`; the unit's end if they are unreadable. */
  get attributesEnd(): number {
    const cursor = this.unit.cursor(this.#attributesAt);
    return this.unit.skipAttributes(cursor, this.#abbreviation) ? cursor.at : this.unit.end;
  }

  /** Returns the children in file order. */
  *children(): Generator<Entry, void, void> {
    if (!this.hasChildren) return;
    let at = this.attributesEnd;
    for (;;) {
      const child = this.unit.entryAt(at);
      if (child === undefined) return;
      yield child;
      at = child.nextSibling;
    }
  }

  /** The offset of the next entry on the same level in `.debug_info`. */
  get nextSibling(): number {
    const end = this.attributesEnd;
    if (!this.hasChildren) return end;
    const sibling = this.attribute(dw.DW_AT_sibling);
    if (sibling?.kind === 'reference' && sibling.value > end && sibling.value <= this.unit.end) return sibling.value;
    return this.unit.skipChildren(end);
  }

  /**
   * Returns all entries below this one, in file order, each with its depth (1 for children). Skips the children of entries for which `into`
   * returns false. Linear in the size, however deep the nesting.
   */
  *descendants(into: (entry: Entry) => boolean = () => true): Generator<{ entry: Entry; depth: number }, void, void> {
    if (!this.hasChildren) return;
    let at = this.attributesEnd;
    let depth = 1;
    while (depth > 0 && at < this.unit.end) {
      const entry = this.unit.entryAt(at);
      if (entry === undefined) {
        if (!this.unit.isNull(at)) return;
        depth--;
        at++;
        continue;
      }
      yield { entry, depth };
      if (entry.hasChildren && into(entry)) {
        at = entry.attributesEnd;
        depth++;
      } else at = entry.nextSibling;
    }
  }
}
