import { type Architecture, branchTarget, type Disassembler, endsFlow, instructionText } from '../arch/index.ts';
import { cString, type Finding, finding, type Place } from '../base/index.ts';
import type { RuleId } from '../catalogue/index.ts';
import { EntryPairs } from './entry-pairs.ts';
import { clearField, isAccess, sameRelocations } from './fields.ts';
import { type Host, type HostPlace, inPayload, isWhole, joined, type Partial64 } from './host.ts';
import { hasIdentity, isOverridden, type Owners } from './owners.ts';
import { type Atom, atomName, type ObjectReference, type ProofObject, type Target, Unreadable } from './program.ts';
import { type From, hexText, type Pair, type Reason, type Use } from './reason.ts';
import { State } from './state.ts';
import type { Table } from './tables.ts';

export interface EngineInput {
  readonly arch: Architecture;
  readonly host: Host;
  readonly tables: readonly Table[];
  readonly disassembler: Disassembler;
  readonly objects: readonly ProofObject[];
  readonly owners: Owners;
  /** Code of the payload by the start of the function that it replaces. */
  readonly redirects: ReadonlyMap<HostPlace, HostPlace>;
}

/** Bytes that are compared before the proof gives up: a whole hypervisor has some 4 MiB of code and data. */
const BYTES_MAX = 256 * 1024 * 1024;
const PAIRS_MAX = 500_000;
const FINDINGS_MAX = 200;

const isCode = ({ kind }: Atom): boolean => kind === 'code' || kind === 'snippet';

/**
 * Compares a program, given as objects, with what the host runs. Assumes that two things are the same while it compares them, follows every reference
 * from the one to its counterpart, and reports each pair that differs: without a finding, the assumption holds (coinduction).
 */
export class Engine {
  readonly findings: Finding[] = [];
  /** Starts of replaced functions that something was found to lead to. */
  readonly reached = new Set<HostPlace>();
  readonly #input: EngineInput;
  readonly #queue: Pair[] = [];
  readonly #seen = new Set<string>();
  readonly #ids = new Map<Atom, number>();
  readonly #replacements: ReadonlySet<HostPlace>;
  readonly #state: State;
  readonly #entries: EntryPairs;
  readonly #reported = new Set<string>();
  #bytes = 0;

  constructor(input: EngineInput) {
    this.#input = input;
    this.#replacements = new Set(input.redirects.values());
    this.#state = new State(input.host, input.owners, (atom, base) => this.expect(atom, base));
    this.#entries = new EntryPairs(input, {
      meets: (target, to, use, from) => this.#meets(target, to, use, from),
      expectPart: (pair) => this.#push(pair),
    });
  }

  /** Asks for an atom to be the same as what is at a place of the host. */
  expect(atom: Atom, base: HostPlace): void {
    this.#push({ atom, start: atom.start, end: atom.end, base });
  }

  report(rule: RuleId, message: string, where: Place): void {
    const key = `${rule} ${message} ${where.symbol ?? ''} ${where.file ?? ''}`;
    if (this.#reported.has(key) || this.findings.length >= FINDINGS_MAX) return;
    this.#reported.add(key);
    this.findings.push(finding(rule, { message, where }));
  }

  /** Compares all that was asked for, and what that leads to. */
  run(): void {
    for (let pair = this.#queue.pop(); pair !== undefined; pair = this.#queue.pop()) {
      const { atom } = pair;
      if (this.#seen.size > PAIRS_MAX || this.#bytes > BYTES_MAX) {
        this.report('proof-limit', 'the objects are too large to be compared', {});
        return;
      }
      let reason: Reason | undefined;
      try {
        reason = this.#compare(pair);
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        reason = { rule: 'proof-object', message: error.message };
      }
      if (reason !== undefined) this.#tell(atom, reason);
    }
    for (const [atom, reason] of this.#state.undecided()) this.#tell(atom, reason);
  }

  #tell(atom: Atom, { rule, message }: Reason): void {
    this.report(rule, `${atomName(atom)}: ${message}`, {
      file: atom.object.name,
      section: atom.section.name,
      offset: atom.start,
      symbol: atomName(atom),
    });
  }

  #push(pair: Pair): void {
    let id = this.#ids.get(pair.atom);
    if (id === undefined) {
      id = this.#ids.size;
      this.#ids.set(pair.atom, id);
    }
    const key = `${id} ${pair.start} ${pair.end} ${pair.base}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#queue.push(pair);
  }

  #compare(pair: Pair): Reason | undefined {
    const { atom, start, end, base } = pair;
    const { host } = this.#input;
    const code = atom.kind === 'code' || atom.kind === 'snippet';
    const length = end - start;
    this.#bytes += length + 16;
    const rule: RuleId = code ? 'proof-code' : 'proof-data';
    const own = atom.object.bytes(atom.section, start, end);
    if (own.length !== length) return { rule: 'proof-object', message: 'its bytes are not in the object' };
    if (length > 0 && code && !host.isMapped(base, 'code'))
      return { rule, message: `the host has no code ${this.#input.host.where(base)}` };
    const theirs = host.bytes(base, length);
    if (theirs === undefined)
      return { rule, message: `the host does not have all of its ${length} bytes ${this.#input.host.where(base)}` };
    const references = atom.object.referencesIn(atom.section.index, start, end);
    const unlike = sameRelocations(host, references, start, base, length);
    if (unlike !== undefined) return { rule, message: unlike };
    const difference = this.#difference(pair, own, theirs, references);
    if (difference !== undefined) return { rule, message: difference };
    const followed = this.#follow(pair, references, own);
    if (followed !== undefined) return followed;
    if (atom.kind === 'code') return this.#leaves(pair, own) ?? this.#entries.compare(pair);
    return undefined;
  }

  /** Returns in words where the bytes differ outside of relocated fields. */
  #difference(
    { atom, start, base }: Pair,
    own: Uint8Array,
    theirs: Uint8Array,
    references: readonly ObjectReference[],
  ): string | undefined {
    const [a, b] = [own.slice(), theirs.slice()];
    for (const { offset, row } of references) {
      clearField(a, offset - start, row);
      clearField(b, offset - start, row);
    }
    const at = a.findIndex((byte, i) => byte !== b[i]);
    if (at < 0) return undefined;
    if (atom.kind === 'text') return `the host has "${cString(b, 0)}" instead of "${cString(a, 0)}"`;
    if (!isCode(atom)) return `the host has another content at +${hexText(at)}`;
    const where = `${this.#input.host.where(base)} the host runs other code from +${hexText(at)} on`;
    return `${where}: ${this.#instruction(b, at)} instead of ${this.#instruction(a, at)}`;
  }

  #instruction(code: Uint8Array, at: number): string {
    const { arch, disassembler } = this.#input;
    const found = disassembler
      .disassemble(arch.name, code, 0)
      .find(({ offset, size }) => at >= offset && at < offset + size);
    return found === undefined ? '(nothing)' : instructionText(found);
  }

  #follow({ atom, start, base }: Pair, references: readonly ObjectReference[], own: Uint8Array): Reason | undefined {
    const { host, arch, disassembler } = this.#input;
    const groups = new Map<
      string,
      { reference: ObjectReference; extra: number; known: Partial64; use: Use; exact: boolean }
    >();
    for (const reference of references) {
      const at = reference.offset - start;
      const extra = atom.object.bias(atom.section.index, reference);
      const field = host.field(base + BigInt(at), reference.row);
      if (typeof field === 'string')
        return { rule: 'proof-reference', message: `+${hexText(at)} cannot be followed: ${field}` };
      const said = isWhole(field) ? { mask: field.mask, value: field.value + BigInt(extra) } : field;
      const branch = isCode(atom) && arch.objects?.isBranch(reference.row.type, own, at) === true;
      const use: Use = branch ? 'branch' : 'address';
      const key = `${reference.symbol} ${reference.addend + extra} ${use}`;
      const known = groups.get(key);
      const together = known === undefined ? said : joined(known.known, said);
      if (together === undefined)
        return {
          rule: 'proof-reference',
          message: `+${hexText(at)}: two fields for one address lead to different places`,
        };
      const exact = known?.exact === true || (isCode(atom) && isAccess(arch, disassembler, own, at, reference.row));
      groups.set(key, { reference, extra, known: together, use, exact });
    }
    for (const { reference, extra, known, use, exact } of groups.values()) {
      const target = atom.object.target(reference, extra, exact);
      const at = `+${hexText(reference.offset - start)}`;
      if (!isWhole(known)) return { rule: 'proof-reference', message: `${at} holds only a part of an address` };
      const reason = this.#meets(target, known.value, use, { atom, base });
      if (reason !== undefined) return { ...reason, message: `${at} ${reason.message}` };
    }
    return undefined;
  }

  /** Is what the object refers to what the host refers to? Every reading must agree. */
  #meets(target: Target, to: HostPlace, use: Use, from: From): Reason | undefined {
    if (target.kind === 'unknown')
      return { rule: 'proof-reference', message: `refers to something unknown: ${target.why}` };
    if (target.kind === 'external') return this.#external(target.name, target.at, to, use, from);
    const [first, second] = target.readings;
    if (first === undefined) return { rule: 'proof-reference', message: 'leads nowhere' };
    const reason = this.#atom(first.atom, first.at, to, use, from);
    if (reason !== undefined || second === undefined) return reason;
    const owner = this.#input.owners(second.atom);
    const base = owner.kind === 'host' ? owner.place : this.#state.placeOf(second.atom);
    if (base !== undefined && base + BigInt(second.at) === to) return undefined;
    return {
      rule: 'proof-ambiguous',
      message: `refers to the start of ${atomName(first.atom)} or to the end of ${atomName(second.atom)}, which are not beside each other on the host`,
    };
  }

  #external(name: string, at: number, to: HostPlace, use: Use, from: From): Reason | undefined {
    const { host, objects, redirects } = this.#input;
    for (const object of objects) {
      const atom = object.global(name);
      if (atom !== undefined && !isOverridden(host, atom)) return this.#atom(atom, at, to, use, from);
    }
    const symbol = host.global(name);
    if (symbol === undefined) return { rule: 'proof-reference', message: `refers to ${name}, which nothing defines` };
    if (symbol.address + BigInt(at) === to) return undefined;
    if (at === 0 && use === 'branch' && redirects.get(symbol.address) === to) return undefined;
    return { rule: 'proof-reference', message: `refers to ${this.#input.host.nameOf(to)} instead of ${name}` };
  }

  #atom(atom: Atom, at: number, to: HostPlace, use: Use, from: From): Reason | undefined {
    const base = to - BigInt(at);
    switch (atom.kind) {
      case 'code':
        return this.#function(atom, at, base, use, from);
      case 'snippet':
        this.expect(atom, base);
        return undefined;
      case 'state':
      case 'percpu':
        return this.#state.meets(atom, base, from);
      case 'text':
      case 'literal':
        this.expect(atom, base);
        return undefined;
      case 'constant':
      case 'init':
        return this.#constant(atom, base);
      default:
        return { rule: 'proof-reference', message: `refers to ${atom.section.name}` };
    }
  }

  #function(atom: Atom, at: number, base: HostPlace, use: Use, from: From): Reason | undefined {
    const { host, redirects, arch, owners } = this.#input;
    // A place inside of the function itself.
    if (atom === from.atom && (at !== 0 || base === from.base)) {
      if (base === from.base) return undefined;
    }
    const redirect = at === 0 ? redirects.get(base) : undefined;
    if (redirect !== undefined) this.reached.add(base);
    if (use === 'address' && at === 0) {
      if (this.#replacements.has(base)) {
        return {
          rule: 'proof-identity',
          message: `takes the address of the payload’s ${atomName(atom)}; pointers on the host lead to the function that it replaces`,
        };
      }
      const owner = owners(atom);
      if (owner.kind === 'host' && !inPayload(base) && owner.place !== base && atom.names.length > 0) {
        return {
          rule: 'proof-reference',
          message: `takes the address of ${this.#input.host.nameOf(base)} instead of ${atomName(atom)}`,
        };
      }
      const pad = arch.code?.landingPad ?? null;
      if (pad !== null && redirect !== undefined) {
        const wanted = atom.object.bytes(atom.section, atom.start, Math.min(atom.end, atom.start + pad.length));
        const there = host.bytes(base, pad.length);
        if (starts(wanted, pad) && (there === undefined || !starts(there, pad))) {
          return {
            rule: 'proof-entry',
            message: `takes the address of ${atomName(atom)}, which has no ENDBR64 on the host`,
          };
        }
      }
    }
    this.expect(atom, redirect ?? base);
    return undefined;
  }

  #constant(atom: Atom, base: HostPlace): Reason | undefined {
    if (!hasIdentity(atom)) {
      this.expect(atom, base);
      return undefined;
    }
    const owner = this.#input.owners(atom);
    if (owner.kind === 'host' && owner.place !== base) {
      return {
        rule: 'proof-identity',
        message: `refers to ${this.#input.host.nameOf(base)} instead of the host’s own ${atomName(atom)}`,
      };
    }
    if (atom.kind === 'init') {
      if (owner.kind === 'host') return undefined;
      return { rule: 'proof-reference', message: `refers to ${atomName(atom)}, which only a booting host has` };
    }
    this.expect(atom, base);
    return undefined;
  }

  /** Code that runs or branches into what lies beside it without a relocation. */
  #leaves({ atom, base }: Pair, own: Uint8Array): Reason | undefined {
    const atoms = atom.object.atomsIn(atom.section.index);
    if (atoms.length === 1) return undefined;
    const { arch, disassembler } = this.#input;
    const instructions = disassembler.disassemble(arch.name, own, 0);
    const relocated = new Set(
      atom.object.referencesIn(atom.section.index, atom.start, atom.end).map(({ offset }) => offset - atom.start),
    );
    const neighbour = (place: number): Reason | undefined => {
      const other = atoms.find(({ start, end }) => place >= start && place < end);
      if (other === undefined) return { rule: 'proof-code', message: 'leaves its section' };
      // What has no name behind a function is padding, unless something leads there.
      return this.#function(other, 1, base + BigInt(other.start - atom.start), 'branch', { atom, base });
    };
    for (const instruction of instructions) {
      const target = branchTarget(instruction);
      if (target === undefined || (target.place >= 0 && target.place < own.length)) continue;
      let known = false;
      for (let at = instruction.offset; at < instruction.offset + instruction.size; at++) known ||= relocated.has(at);
      const reason = known ? undefined : neighbour(atom.start + target.place);
      if (reason !== undefined) return reason;
    }
    const last = instructions.at(-1);
    const calls =
      last?.kind === 'instruction' &&
      (last.flow === 'call' || last.flow === 'indirect-call' || last.flow === 'nop' || last.flow === 'breakpoint');
    if (last !== undefined && !endsFlow(last) && !calls && atom.names.length > 0) return neighbour(atom.end);
    return undefined;
  }
}

const starts = (bytes: Uint8Array, with_: Uint8Array): boolean => with_.every((byte, i) => bytes[i] === byte);
