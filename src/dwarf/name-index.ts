import type { Abbreviation } from './abbreviations.ts';
import { readValue } from './attribute.ts';
import * as dw from './constants.ts';
import type { Cursor } from './cursor.ts';
import { skipForm } from './forms.ts';
import type { Strings } from './strings.ts';
import type { Entry, Unit } from './unit.ts';
import type { Units } from './units.ts';

/** Kinds of named entries; each has its own name space, as in C. */
export type NamedKind = 'struct' | 'union' | 'class' | 'enum' | 'typedef' | 'base' | 'function';

const KINDS = new Map<number, NamedKind>([
  [dw.DW_TAG_structure_type, 'struct'],
  [dw.DW_TAG_union_type, 'union'],
  [dw.DW_TAG_class_type, 'class'],
  [dw.DW_TAG_enumeration_type, 'enum'],
  [dw.DW_TAG_typedef, 'typedef'],
  [dw.DW_TAG_base_type, 'base'],
  [dw.DW_TAG_subprogram, 'function'],
]);

/** Returns the kind of an entry; `undefined` if it is not indexed. */
export const namedKind = (tag: number): NamedKind | undefined => KINDS.get(tag);

/** An abbreviation with the facts that the indexing pass needs. */
interface Plan {
  readonly abbreviation: Abbreviation;
  readonly kind: NamedKind | undefined;
  /** Rows of attributes; -1 if there is none. */
  readonly name: number;
  readonly declaration: number;
  readonly sibling: number;
  readonly origin: boolean;
}

/** During indexing: the last entry's row of each name, by its offset in `.debug_str`. */
type Texts = ReadonlyMap<NamedKind, Map<number, number>>;

/** Many short linked lists of numbers in two columns. The row of its head identifies a list; 0 is the empty one. */
class Chain {
  #values = new Uint32Array(1024);
  #next = new Uint32Array(1024);
  #count = 1;

  /** Returns the list of `value` followed by `rest`. */
  add(value: number, rest: number): number {
    if (this.#count === this.#values.length) {
      this.#values = grown(this.#values);
      this.#next = grown(this.#next);
    }
    const row = this.#count++;
    this.#values[row] = value;
    this.#next[row] = rest;
    return row;
  }

  /** Appends a list to another. */
  append(list: number, rest: number): void {
    let row = list;
    while (this.#next[row] !== 0) row = this.#next[row] as number;
    this.#next[row] = rest;
  }

  values(list: number): number[] {
    const values: number[] = [];
    for (let row = list; row !== 0; row = this.#next[row] as number) values.push(this.#values[row] as number);
    return values;
  }
}

function grown(column: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const twice = new Uint32Array(2 * column.length);
  twice.set(column);
  return twice;
}

/**
 * The top-level entries of a file by kind and name: defined types and all functions. Built in one pass that skips nested entries and
 * decodes each name once, so it lacks types inside functions.
 */
export class NamesIndex {
  readonly #units: Units;
  /** By kind and name, the last entry's row in the chain. */
  readonly #byName = new Map<NamedKind, Map<string, number>>();
  readonly #chain = new Chain();

  constructor(units: Units, strings: Strings) {
    this.#units = units;
    const byText = new Map<NamedKind, Map<number, number>>();
    for (const kind of KINDS.values()) {
      this.#byName.set(kind, new Map());
      byText.set(kind, new Map());
    }
    for (const unit of units.all) this.#scan(unit, byText);
    for (const [kind, texts] of byText) {
      for (const [at, row] of texts) this.#add(kind, strings.text('.debug_str', at), row);
    }
  }

  /** Returns all entries of a kind and name, in file order. */
  find(kind: NamedKind, name: string): Entry[] {
    const offsets = this.#chain.values(this.#byName.get(kind)?.get(name) ?? 0).sort((a, b) => a - b);
    return offsets.flatMap((offset) => this.#units.entryAt(offset) ?? []);
  }

  /** Returns all names of a kind. */
  names(kind: NamedKind): Iterable<string> {
    return this.#byName.get(kind)?.keys() ?? [];
  }

  /** Adds a list of entries. In an unlinked object, `.debug_str` may contain a text several times. */
  #add(kind: NamedKind, name: string, row: number): void {
    const names = this.#byName.get(kind);
    if (name === '' || names === undefined) return;
    const known = names.get(name);
    if (known !== undefined) this.#chain.append(row, known);
    names.set(name, row);
  }

  #scan(unit: Unit, byText: Texts): void {
    const { root } = unit;
    if (root === undefined || !root.hasChildren) return;
    const plans = new Map<number, Plan>();
    const cursor = unit.cursor(root.attributesEnd);
    while (!cursor.done) {
      const offset = cursor.at;
      const code = cursor.uleb();
      if (code === 0) return;
      let plan = plans.get(code);
      if (plan === undefined) {
        const abbreviation = unit.abbreviations.get(code);
        if (abbreviation === undefined) return;
        plan = planOf(abbreviation);
        plans.set(code, plan);
      }
      if (!this.#visit(unit, cursor, offset, plan, byText)) return;
    }
  }

  /** Indexes one entry and skips its children. Returns false if they are unreadable. */
  #visit(unit: Unit, cursor: Cursor, offset: number, plan: Plan, byText: Texts): boolean {
    const { abbreviation, kind } = plan;
    const { forms } = abbreviation;
    let name: string | undefined;
    let text = -1;
    let declaration = false;
    let sibling = 0;
    if (kind === undefined && plan.sibling < 0) {
      if (!unit.skipAttributes(cursor, abbreviation)) return false;
    } else {
      for (let i = 0; i < forms.length; i++) {
        const form = forms[i] as number;
        if (i === plan.name && form === dw.DW_FORM_strp) text = cursor.u32();
        else if (i === plan.name && kind !== undefined) name = nameOf(unit, cursor, form);
        else if (i === plan.sibling && form === dw.DW_FORM_ref4) sibling = unit.offset + cursor.u32();
        else if (i === plan.declaration && form === dw.DW_FORM_flag) declaration = cursor.u8() !== 0;
        else {
          if (i === plan.declaration) declaration = true;
          if (!skipForm(cursor, form, unit.addressSize)) return false;
        }
      }
    }
    if (cursor.overrun) return false;
    const end = cursor.at;
    if (kind !== undefined && (kind === 'function' || !declaration)) {
      if (text >= 0) {
        const texts = byText.get(kind);
        texts?.set(text, this.#chain.add(offset, texts.get(text) ?? 0));
      } else {
        if (name === undefined && plan.origin) name = unit.entryAt(offset)?.name;
        if (name !== undefined) this.#add(kind, name, this.#chain.add(offset, 0));
      }
    }
    if (abbreviation.hasChildren) {
      cursor.at = sibling > end && sibling <= unit.end ? sibling : unit.skipChildren(end);
    }
    return true;
  }
}

function nameOf(unit: Unit, cursor: Cursor, form: number): string | undefined {
  const value = readValue(unit, cursor, form, 0);
  return value?.kind === 'text' ? value.value : undefined;
}

function planOf(abbreviation: Abbreviation): Plan {
  const { names, tag } = abbreviation;
  return {
    abbreviation,
    kind: KINDS.get(tag),
    name: names.indexOf(dw.DW_AT_name),
    declaration: names.indexOf(dw.DW_AT_declaration),
    sibling: names.indexOf(dw.DW_AT_sibling),
    origin: names.includes(dw.DW_AT_abstract_origin) || names.includes(dw.DW_AT_specification),
  };
}
