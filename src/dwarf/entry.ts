import type { Abbreviation } from './abbreviations.ts';
import { type AttributeValue, readValue } from './attribute.ts';
import { DW_AT_abstract_origin, DW_AT_name, DW_AT_sibling, DW_AT_signature, DW_AT_specification } from './constants.ts';
import { skipForm } from './forms.ts';
import type { Unit } from './unit.ts';

/** An origin of an origin of an origin: more than two are not written by any compiler. */
const ORIGINS_MAX = 16;

/**
 * One debugging information entry (DWARF 5, 2.1). Attributes are read when asked for. An attribute that is missing, of
 * another class than asked for, or cut off is `undefined`.
 */
export class Entry {
  readonly unit: Unit;
  /** Bytes from the start of `.debug_info`; stands for the entry everywhere. */
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

  /** The value of an attribute, DW_AT_… */
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

  /** A constant as a number; inexact above 2^53. */
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

  /** The entry that an attribute refers to. For a stub of a type that has a unit of its own, that type (DWARF 5, 5.7.3.2). */
  reference(name: number): Entry | undefined {
    const value = this.attribute(name);
    if (value?.kind === 'signature') return this.unit.context.typeBySignature(value.value);
    const entry = value?.kind === 'reference' ? this.unit.context.entryAt(value.value) : undefined;
    const signature = entry?.attribute(DW_AT_signature);
    return signature?.kind === 'signature' ? this.unit.context.typeBySignature(signature.value) : entry;
  }

  /**
   * The entry itself, then what it is a copy of or completes: DW_AT_abstract_origin, DW_AT_specification, and so on. What
   * an entry does not say itself, one of these does (DWARF 5, 2.13.2 and 3.3.8).
   */
  *origins(): Generator<Entry, void, void> {
    let entry: Entry | undefined = this;
    for (let i = 0; entry !== undefined && i < ORIGINS_MAX; i++) {
      yield entry;
      entry = entry.reference(DW_AT_abstract_origin) ?? entry.reference(DW_AT_specification);
    }
  }

  /** The name, its own or that of its origin; `undefined` for what has none. */
  get name(): string | undefined {
    for (const entry of this.origins()) {
      const name = entry.text(DW_AT_name);
      if (name !== undefined) return name;
    }
    return undefined;
  }

  /** Where the attributes end: offset in `.debug_info`; that of the unit's end where they cannot be read. */
  get attributesEnd(): number {
    const cursor = this.unit.cursor(this.#attributesAt);
    return this.unit.skipAttributes(cursor, this.#abbreviation) ? cursor.at : this.unit.end;
  }

  /** The children in file order. */
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

  /** Where the next entry on the same level is; offset in `.debug_info`. */
  get nextSibling(): number {
    const end = this.attributesEnd;
    if (!this.hasChildren) return end;
    const sibling = this.attribute(DW_AT_sibling);
    if (sibling?.kind === 'reference' && sibling.value > end && sibling.value <= this.unit.end) return sibling.value;
    return this.unit.skipChildren(end);
  }

  /**
   * All entries below this one, in file order, each with its depth (1 for children). Linear in the size however deep they
   * are nested. What is below an entry for which `into` is false is left out.
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
