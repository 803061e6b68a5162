import { type Address, addOffset, type Finding } from '../base/index.ts';
import type { RuleId } from '../catalogue/index.ts';
import { relocationName, SHF_EXECINSTR, SHF_WRITE, STB_LOCAL } from '../elf/index.ts';
import { about } from './about.ts';
import type { Destination, Replacement } from './destination.ts';
import { HypervisorTexts } from './hypervisor-text.ts';
import type { Moves } from './moves.ts';
import type { ObjectDiff } from './object-diff.ts';
import { obstaclesOf } from './obstacles.ts';
import { oldFunction } from './old-function.ts';
import { type Original, Originals } from './originals.ts';
import { nameOf, type Piece, pieceText, placeIn, type Target } from './piece.ts';
import { reaches } from './reach.ts';
import type { Unit } from './unit.ts';
import { unknownFile, type XenNames } from './xen-names.ts';

/** Globals that are new in some object, for all others: who has it, and the piece. */
export type NewGlobals = ReadonlyMap<string, { readonly selection: Selection; readonly piece: Piece }>;

/**
 * What of one patched object goes into the payload: the functions that changed, the hooks, and whatever these need that the hypervisor does not have.
 */
export class Selection {
  readonly diff: ObjectDiff;
  readonly names: XenNames;
  readonly pieces = new Set<Piece>();
  readonly replacements: Replacement[] = [];
  readonly refusals: Finding[] = [];
  readonly remarks: Finding[] = [];
  readonly #destinations = new Map<Target, Destination>();
  readonly #refused = new Set<string>();
  readonly #queue: Piece[] = [];
  readonly #originals: Originals;
  readonly #texts: HypervisorTexts;

  readonly moves: Moves;

  constructor(diff: ObjectDiff, names: XenNames, moves: Moves) {
    this.diff = diff;
    this.names = names;
    this.moves = moves;
    this.#originals = new Originals(diff.comparator, names, moves);
    this.#texts = new HypervisorTexts(names);
  }

  /** Takes what has to be in the payload by itself: changed functions, hooks, and new things that other objects know by name. */
  addRoots(globals: NewGlobals, removed: ReadonlySet<string>): void {
    const { orig, patched, correlation } = this.diff.comparator;
    for (const [unit, status] of this.diff.status) {
      if (this.names.isOverridden(unit.piece)) this.#weak(unit, status === 'changed', removed);
      else if (status === 'changed') this.#addUnit(unit);
    }
    for (const [unit, old] of this.diff.aliases.joined) {
      this.#addUnit(unit);
      this.#replaceBy(unit, { piece: old.piece, object: orig });
    }
    for (const piece of patched.pieces('hooks')) this.#add(piece);
    for (const { selection, piece } of globals.values()) {
      if (selection !== this || this.#originals.nameOf(piece) !== undefined) continue;
      this.#refuseKnown(piece);
      const unit = correlation.patched.units.of(piece);
      if (unit === undefined) this.#add(piece);
      else this.#addUnit(unit);
    }
    this.#follow(globals);
  }

  /** A weak function whose name leads to another object's on the host: that has to stay so. */
  #weak({ name }: Unit, changed: boolean, removed: ReadonlySet<string>): void {
    if (removed.has(name)) {
      const message = `the patch removes the definition of ${name} that the hypervisor uses; the weak one of ${this.diff.object} would take its place`;
      this.#refuse('already-in-hypervisor', name, message, 'Change the strong definition instead of removing it.');
    } else if (changed) {
      const text = `${name} is weak, and the hypervisor uses the definition of another object: left out`;
      this.remarks.push(about('weak-overridden', this.diff.object, name, text));
    }
  }

  /** Is it a variable that the payload brings along because the host has none? */
  isNew(piece: Piece): boolean {
    return this.pieces.has(piece) && this.#originals.of(piece) === undefined;
  }

  /** What is new here cannot be something that the hypervisor has: its callers and readers would keep to that. */
  #refuseKnown(piece: Piece): void {
    const name = nameOf(piece);
    const address = this.names.address(name);
    if (address === undefined || this.names.isInit(address)) return;
    const from = 'from an object that was not given, or that still defines it';
    this.#refuse(
      'already-in-hypervisor',
      name,
      `${name} is new in ${this.diff.object}, but the hypervisor has ${name} already, ${from}`,
    );
  }

  /** What other objects can name that they could not before: what is new, and what was static. */
  *newGlobals(): Generator<[string, Piece], void, void> {
    const { orig, patched } = this.diff.comparator;
    const before = new Set<string>();
    for (const piece of orig.pieces('code', 'data', 'bss', 'constant', 'init', 'percpu')) {
      for (const { name, bind } of piece.symbols) if (bind !== STB_LOCAL) before.add(name);
    }
    for (const piece of patched.pieces('code', 'data', 'bss', 'constant')) {
      for (const { name, bind } of piece.symbols) {
        if (bind !== STB_LOCAL && !before.has(name)) yield [name, piece];
      }
    }
  }

  destination(target: Target): Destination {
    return this.#destinations.get(target) ?? { kind: 'absolute', value: 0 };
  }

  #refuse(rule: RuleId, symbol: string | null, message: string, advice?: string): void {
    if (this.#refused.has(message)) return;
    this.#refused.add(message);
    this.refusals.push(about(rule, this.diff.object, symbol, message, advice));
  }

  /** Something that the hypervisor should have; where it has nothing static of the whole file, that is told, once. */
  #refuseMissing(symbol: string, name: string, message: string, advice?: string): void {
    const [file, rest] = name.split('#');
    if (file === undefined || rest === undefined || this.names.hasFile(file)) {
      this.#refuse('not-in-hypervisor', symbol, message, advice);
      return;
    }
    const unknown = unknownFile(file);
    this.#refuse('not-in-hypervisor', null, unknown.message, unknown.advice);
  }

  /** What is out of reach the loader would refuse with no more than a number. */
  #refuseFar(piece: Piece, type: number, to: Destination): void {
    const address = to.kind === 'outside' ? this.names.address(to.name) : undefined;
    if (to.kind !== 'outside' || address === undefined || reaches(this.names, type, addOffset(address, to.at))) return;
    const { machine } = this.names.image.arch;
    this.#refuse(
      'branch-out-of-reach',
      null,
      `${this.#holder(piece)} branches to ${to.name} (${relocationName(machine, type)}), which is out of reach from a payload`,
    );
  }

  #add(piece: Piece): void {
    if (this.pieces.has(piece)) return;
    this.pieces.add(piece);
    this.#queue.push(piece);
  }

  #addUnit(unit: Unit): void {
    if (this.pieces.has(unit.piece)) return;
    for (const piece of [unit.piece, ...unit.cold]) this.#add(piece);
    for (const { piece, code } of unit.entries) {
      this.#add(piece);
      if (code !== null) this.#add(code);
    }
    if ([unit.piece, ...unit.cold].some(({ shared }) => shared)) {
      this.#refuse(
        'shared-section',
        unit.name,
        `${unit.name} shares the section ${unit.piece.section.name} with other functions and cannot be extracted`,
      );
    }
    if (this.diff.status.get(unit) === 'changed') this.#replace(unit);
  }

  #replace(unit: Unit): void {
    const before = this.#originals.of(unit.piece);
    if (before !== undefined) this.#replaceBy(unit, before);
  }

  /** Adds an entry that replaces a function of the hypervisor by one of the payload. */
  #replaceBy(unit: Unit, { piece, object }: Original): void {
    const name = this.names.nameOf(piece, object.file);
    if (name === undefined) {
      const expected = this.names.expected(piece, object.file);
      const advice =
        'Use the xen-syms that was linked from this object, and only objects that are part of the hypervisor';
      this.#refuseMissing(unit.name, expected, `the hypervisor has no function ${expected}`, advice);
      return;
    }
    const old = oldFunction(this.names, name, piece, object, this.diff.object);
    this.refusals.push(...old.problems);
    this.replacements.push({ unit, name, oldSize: old.size });
  }

  #follow(globals: NewGlobals): void {
    const { patched, correlation } = this.diff.comparator;
    for (let piece = this.#queue.pop(); piece !== undefined; piece = this.#queue.pop()) {
      for (const [rule, message] of obstaclesOf(patched, correlation.patched.units, piece))
        this.#refuse(rule, null, message);
      for (const { target, branch, type, neighbours } of patched.references(piece)) {
        if (this.#destinations.has(target)) continue;
        for (const other of neighbours) if (target.kind === 'piece') this.#oneReading(piece, target, other);
        const destination = this.#resolve(target, branch, piece, globals);
        this.#destinations.set(target, destination);
        this.#refuseFar(piece, type, destination);
      }
    }
  }

  /** Refuses a place that may be meant of two things which are not neighbours on the host. New ones stay neighbours in the payload. */
  #oneReading(from: Piece, { piece, at }: Target & { readonly kind: 'piece' }, neighbour: Piece): void {
    const [own, other] = [this.#onHost(piece), this.#onHost(neighbour)];
    // A new per-CPU variable is refused by itself.
    if (piece.kind === 'percpu' && (own === undefined || other === undefined)) return;
    if (own === undefined && other === undefined) {
      for (const each of [piece, neighbour]) this.#add(each);
      return;
    }
    if (own !== undefined && other !== undefined && other - own === BigInt(neighbour.start - piece.start)) return;
    const place = piece.start + at;
    const reading = placeIn(neighbour, place - neighbour.start);
    this.#refuse(
      'ambiguous-place',
      nameOf(piece) || null,
      `${this.#holder(from)} takes the address of ${placeIn(piece, at)} or of ${reading}: the object has one place for both (${piece.section.name}+0x${place.toString(16)}), the host has two`,
    );
  }

  /** Where the host has a variable or constant; `undefined` for what the payload brings. */
  #onHost(piece: Piece): Address | undefined {
    const name = this.#originals.nameOf(piece);
    return name === undefined ? undefined : this.names.address(name);
  }

  #resolve(target: Target, branch: boolean, from: Piece, globals: NewGlobals): Destination {
    if (target.kind === 'absolute') return target;
    if (target.kind === 'external') return this.#outside(target.name, target.at, from, globals);
    const { piece, at } = target;
    const inside = (): Destination => {
      this.#add(piece);
      return { kind: 'inside', piece, at };
    };
    switch (piece.kind) {
      case 'code':
        return this.#function(piece, at, branch, from, globals);
      case 'strings': {
        const text = this.#texts.forBugFrame(from, piece);
        return text === undefined ? inside() : { kind: 'outside', name: text.name, at: text.at + at };
      }
      case 'literals':
        return inside();
      case 'constant': {
        const same = this.#leadsInto(piece) === undefined ? this.#originals.constant(piece) : undefined;
        return same === undefined ? inside() : { kind: 'outside', name: same, at };
      }
      case 'data':
      case 'bss':
      case 'percpu':
        return this.#variable(piece, at, from, globals) ?? inside();
      case 'replacement':
        return this.pieces.has(piece) ? { kind: 'inside', piece, at } : { kind: 'replacements' };
      case 'fixup':
        if (!this.pieces.has(piece))
          this.#refuse(
            'stray-fixup',
            null,
            `${this.#holder(from)} branches to ${pieceText(piece)}, which none of its table entries refers to`,
          );
        return { kind: 'inside', piece, at };
      case 'init':
        // A text that was to be gone after the boot. The payload has its own copy.
        if (piece.symbols.length === 0 && (piece.section.flags & (SHF_WRITE | SHF_EXECINSTR)) === 0) return inside();
        return this.#init(piece, at, from);
      default:
        this.#refuse('not-loaded', null, `${this.#holder(from)} refers to ${pieceText(piece)}, which is not loaded`);
        return { kind: 'absolute', value: 0 };
    }
  }

  /** What was freed when the host had booted. The original may refer to it, too: then it never does so on a host that is up. */
  #init(piece: Piece, at: number, from: Piece): Destination {
    const name = this.#originals.init(piece, at, from);
    if (name !== undefined) return { kind: 'outside', name, at };
    this.#refuse(
      'init-freed',
      nameOf(piece),
      `${this.#holder(from)} refers to ${pieceText(piece)}, which is freed after boot (${piece.section.name})`,
    );
    return { kind: 'absolute', value: 0 };
  }

  /** The function that a piece belongs to, for messages. */
  #holder(piece: Piece): string {
    return this.diff.comparator.correlation.patched.units.of(piece)?.name ?? pieceText(piece);
  }

  #function(piece: Piece, at: number, branch: boolean, from: Piece, globals: NewGlobals): Destination {
    const { correlation, orig } = this.diff.comparator;
    const unit = correlation.patched.units.of(piece);
    const status = unit && this.diff.status.get(unit);
    const inside: Destination = { kind: 'inside', piece, at };
    if (unit !== undefined && correlation.patched.units.of(from) !== unit && this.names.isOverridden(unit.piece)) {
      return { kind: 'outside', name: unit.name, at };
    }
    if (unit === undefined || this.#originals.of(unit.piece) === undefined) {
      if (unit !== undefined) this.#addUnit(unit);
      else this.#add(piece);
      return inside;
    }
    const taken = status === 'changed' || this.pieces.has(unit.piece);
    // Within a function its own code is meant. So does a table's entry that is about it.
    const own = correlation.patched.units.of(from) === unit || from.kind === 'table';
    if (taken && (own || at !== 0 || piece !== unit.piece || branch)) {
      this.#addUnit(unit);
      return inside;
    }
    // The address of a function that is replaced is that of the old one, which jumps to the new one while the payload is applied: what keeps it stays right
    // when the payload is gone.
    const { piece: old, object } = this.#originals.of(piece) ?? { piece, object: orig };
    const name = this.names.nameOf(old, object.file);
    return this.#outside(name ?? this.names.expected(old, object.file), at, from, globals);
  }

  /** A changed function into whose middle data leads, as tables of labels do: the host's copy of that data leads into the old code. */
  #leadsInto(data: Piece, seen = new Set<Piece>()): Unit | undefined {
    const { patched, correlation } = this.diff.comparator;
    seen.add(data);
    for (const { target } of patched.references(data)) {
      if (target.kind !== 'piece' || seen.has(target.piece)) continue;
      const { piece, at } = target;
      const unit = piece.kind === 'code' ? correlation.patched.units.of(piece) : undefined;
      const inside = unit !== undefined && (at !== 0 || piece !== unit.piece);
      if (inside && this.diff.status.get(unit) === 'changed') return unit;
      const behind = piece.kind === 'constant' ? this.#leadsInto(piece, seen) : undefined;
      if (behind !== undefined) return behind;
    }
    return undefined;
  }

  #variable(piece: Piece, at: number, from: Piece, globals: NewGlobals): Destination | null {
    const original = this.#originals.of(piece);
    const old = original && this.#leadsInto(piece);
    if (old !== undefined) {
      this.#refuse(
        'labels-in-variable',
        nameOf(piece) || null,
        `${pieceText(piece)} holds addresses inside ${old.name}, which the payload replaces: on the host they lead into the old code`,
      );
    }
    if (original === undefined) {
      if (piece.kind !== 'percpu' && piece.symbols.length > 0 && !this.pieces.has(piece)) {
        const text = `${nameOf(piece)} is new: it starts with its initial value when the payload is loaded, and disappears when the payload is unloaded`;
        this.remarks.push(about('variable-new', this.diff.object, nameOf(piece), text));
      }
      return null;
    }
    const { piece: before, object: orig } = original;
    if (before.symbols.length > 0) {
      const name = this.names.nameOf(before, orig.file) ?? this.names.expected(before, orig.file);
      return this.#outside(name, at, from, globals);
    }
    // What has no name is at a fixed distance from what has one in the same section of the same object.
    for (const neighbour of orig.piecesIn(before.section.index)) {
      const name = this.names.nameOf(neighbour, orig.file);
      if (name !== undefined) return { kind: 'outside', name, at: before.start - neighbour.start + at };
    }
    this.#refuse(
      'unnamed-variable',
      null,
      `${this.#holder(from)} uses ${pieceText(piece)}, an unnamed variable, which xsplice cannot find on the host`,
    );
    return { kind: 'absolute', value: 0 };
  }

  #outside(name: string, at: number, from: Piece, globals: NewGlobals): Destination {
    const address = this.names.address(name);
    const other = address === undefined ? globals.get(name) : undefined;
    // What was static before is there under the name of a static symbol.
    const known = other === undefined ? undefined : other.selection.#originals.nameOf(other.piece);
    if (known !== undefined) return { kind: 'outside', name: known, at };
    if (address === undefined && other === undefined) {
      const reason = `${this.#holder(from)} refers to ${name}, which neither the hypervisor nor the payload defines`;
      this.#refuseMissing(name, name, reason);
    } else if (address !== undefined && this.names.isInit(address) && !this.#originals.referTo(from, name)) {
      this.#refuse('init-freed', name, `${this.#holder(from)} refers to ${name}, which was freed after boot`);
    }
    return { kind: 'outside', name, at };
  }
}
