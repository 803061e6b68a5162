import type { Architecture } from '../arch/index.ts';
import { readPayload } from '../payload/index.ts';
import { ELF_ALTINSTRUCTIONS } from '../xen/index.ts';
import { sameRelocations } from './fields.ts';
import type { Host, HostPlace } from './host.ts';
import { type Atom, type ObjectReference, type ProofObject, type Target, Unreadable } from './program.ts';
import { type From, hexText, type Pair, type Reason, type Use } from './reason.ts';
import type { Table } from './tables.ts';

/** An entry of a table in an object. */
interface Entry {
  readonly table: Table;
  /** Section index. */
  readonly section: number;
  /** Bytes from the start of the section. */
  readonly offset: number;
  /** Bytes of an alternative's replacement; `null` in other tables. */
  readonly replacement: number | null;
}

/** What the comparison of entries asks of that of code and data. */
interface Follow {
  meets(target: Target, to: HostPlace, use: Use, from: From): Reason | undefined;
  expectPart(pair: Pair): void;
}

/** Byte of the field of an alternative that leads to its replacement. Source: asm/alternative.h, struct alt_instr. */
const REPLACEMENT_FIELD = 4;

/** Compares alternatives, exception table, bug frames and call sites, entry by entry. */
export class EntryPairs {
  readonly #input: { readonly arch: Architecture; readonly host: Host; readonly tables: readonly Table[] };
  readonly #follow: Follow;
  readonly #tables = new Map<ProofObject, Map<Atom, Entry[]>>();

  constructor(
    input: { readonly arch: Architecture; readonly host: Host; readonly tables: readonly Table[] },
    follow: Follow,
  ) {
    this.#input = input;
    this.#follow = follow;
  }

  #entriesOf(object: ProofObject): Map<Atom, Entry[]> {
    const known = this.#tables.get(object);
    if (known !== undefined) return known;
    const found = new Map<Atom, Entry[]>();
    this.#tables.set(object, found);
    const file = readPayload(object.elf.bytes);
    const replacements = new Map(
      'elf' in file ? (file.alternatives?.entries ?? []).map((each) => [each.offset, each.replLen] as const) : [],
    );
    for (const table of this.#input.tables) {
      for (const section of object.elf.sections) {
        if (section.name !== table.section) continue;
        for (let offset = 0; offset + table.entrySize <= section.size; offset += table.entrySize) {
          const length = table.section === ELF_ALTINSTRUCTIONS ? (replacements.get(offset) ?? null) : null;
          const entry: Entry = { table, section: section.index, offset, replacement: length };
          const [reference] = object.referencesIn(section.index, offset, offset + 4);
          const site = reference && this.#tableTarget(object, entry, reference);
          if (site === undefined || site.kind !== 'atom')
            throw new Unreadable(`an entry of ${section.name} leads nowhere`);
          const { atom } = site.readings[0] as { atom: Atom };
          const list = found.get(atom) ?? [];
          list.push(entry);
          found.set(atom, list);
        }
      }
    }
    return found;
  }

  #tableTarget(object: ProofObject, { table, offset }: Entry, reference: ObjectReference): Target {
    const field = reference.offset - offset;
    const shift = table.fromEntry && this.#input.arch.objects?.bugFrameLine === null && field < 8 ? 8 : 0;
    const addend = ((reference.addend << shift) >> shift) - (table.fromEntry ? field : 0);
    return object.target({ ...reference, addend }, 0, true);
  }

  /** Compares the entries for the code of an atom with those for its counterpart. */
  compare({ atom, base }: From): Reason | undefined {
    const { host, tables } = this.#input;
    const own = this.#entriesOf(atom.object).get(atom) ?? [];
    for (const table of tables) {
      const here = own.filter((entry) => entry.table === table);
      const theirs = host.entries(table, base, base + BigInt(atom.end - atom.start));
      if (here.length !== theirs.length) {
        return {
          rule: 'proof-table',
          message: `${table.section} has ${theirs.length} entries for it on the host instead of ${here.length}`,
        };
      }
      const sorted = here
        .map((entry) => ({ entry, at: this.#siteOf(atom, entry) }))
        .sort((a, b) => a.at - b.at || a.entry.offset - b.entry.offset);
      for (const [i, { entry, at }] of sorted.entries()) {
        const other = theirs[i] as (typeof theirs)[number];
        if (other.site !== base + BigInt(at))
          return {
            rule: 'proof-table',
            message: `an entry of ${table.section} is for another instruction on the host`,
          };
        const reason = this.#entry(atom, entry, other.entry, base);
        if (reason !== undefined)
          return { rule: 'proof-table', message: `an entry of ${table.section} for +${hexText(at)}: ${reason}` };
      }
    }
    return undefined;
  }

  #siteOf(atom: Atom, entry: Entry): number {
    const [reference] = atom.object.referencesIn(entry.section, entry.offset, entry.offset + 4);
    const target = reference && this.#tableTarget(atom.object, entry, reference);
    return target?.kind === 'atom' ? (target.readings[0]?.at ?? 0) : 0;
  }

  #entry(atom: Atom, entry: Entry, theirs: HostPlace, base: HostPlace): string | undefined {
    const { host } = this.#input;
    const { object } = atom;
    const { table, section, offset } = entry;
    const end = offset + table.entrySize;
    const references = object.referencesIn(section, offset, end);
    const elfSection = atom.object.elf.sections[section];
    const bytes = host.bytes(theirs, table.entrySize);
    if (elfSection === undefined || bytes === undefined) return 'it is cut off';
    const unlike = sameRelocations(host, references, offset, theirs, table.entrySize);
    if (unlike !== undefined) return unlike;
    const [a, b] = [object.bytes(elfSection, offset, end).slice(), bytes.slice()];
    for (const each of [a, b]) {
      for (const reference of references)
        each.fill(0, reference.offset - offset, reference.offset - offset + reference.row.width);
      if (table.line !== null) each.fill(0, table.line[0], table.line[1]);
    }
    if (a.some((byte, i) => byte !== b[i])) return 'it has other numbers on the host';
    for (const reference of references) {
      const field = reference.offset - offset;
      if (field >= table.read) continue;
      const to = host.site(theirs, table.fromEntry, field);
      if (typeof to === 'string') return `its field at ${hexText(field)} cannot be followed: ${to}`;
      const target = this.#tableTarget(object, entry, reference);
      if (entry.replacement !== null && field === REPLACEMENT_FIELD) {
        const reason = this.#replacement(target, to, entry.replacement, { atom, base });
        if (reason !== undefined) return reason;
        continue;
      }
      const reason = this.#follow.meets(target, to, 'table', { atom, base });
      if (reason !== undefined) return reason.message;
    }
    return undefined;
  }

  /** The replacement of an alternative: as many bytes as the entry says, which may be none. */
  #replacement(target: Target, to: HostPlace, length: number, from: From): string | undefined {
    const reading = target.kind === 'atom' ? target.readings[0] : undefined;
    // An Arm callback entry has a function instead.
    if (length === 0)
      return reading?.atom.kind === 'snippet' ? undefined : this.#follow.meets(target, to, 'table', from)?.message;
    if (reading === undefined) return 'its replacement is not in the object';
    const { atom, at } = reading;
    const start = atom.start + at;
    this.#follow.expectPart({ atom, start, end: start + length, base: to });
    return undefined;
  }
}
