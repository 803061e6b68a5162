import type { Disassembler } from '../arch/index.ts';
import { type Finding, finding } from '../base/index.ts';
import type { Inflate } from '../dwarf/index.ts';
import { ET_REL, isProblem, machineName, readElf, STB_LOCAL } from '../elf/index.ts';
import type { Image } from '../hypervisor/index.ts';
import { readPayload } from '../payload/index.ts';
import type { Release } from '../xen/index.ts';
import { Engine, type EngineInput } from './engine.ts';
import { replacementsOf } from './entries.ts';
import { Host, type HostPlace, inPayload } from './host.ts';
import { layoutFindings } from './layouts.ts';
import { isClone, isOverridden, type Owners, ownersAfter, ownersBefore } from './owners.ts';
import { type Atom, atomName, damageOf, ProofObject, Unreadable } from './program.ts';
import { tablesOf } from './tables.ts';

/** A relocatable object under its path from the top of the tree: `common/domctl.o`. */
export interface NamedObject {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What a proof is about. Objects that are the same before and after may be left out of both lists. */
export interface ProofInput {
  /** The hypervisor that was linked from the objects before. */
  readonly image: Image;
  readonly release: Release;
  readonly before: readonly NamedObject[];
  readonly after: readonly NamedObject[];
  readonly payload: Uint8Array;
  readonly disassembler: Disassembler;
  /** Unpacks compressed debug sections. */
  readonly inflate?: Inflate;
}

/** A function of the patched hypervisor, and what the host runs under its name. */
export interface ProvedFunction {
  readonly name: string;
  readonly object: string;
  readonly runs: 'payload' | 'host';
  readonly proved: boolean;
}

/** The result of a proof. */
export interface Proof {
  /** `proved` if no finding is an error. */
  readonly verdict: 'proved' | 'not proved';
  /** Functions of the objects after that are entered by name, in their order. */
  readonly functions: readonly ProvedFunction[];
  readonly findings: readonly Finding[];
}

/**
 * Tells whether a host with the payload applied is the same program as the hypervisor with the objects after the patch linked in, as far as objects,
 * image and payload can tell. What is not understood is a finding: bad input never gives `proved`, and throws nothing.
 */
export function prove(input: ProofInput): Proof {
  const findings: Finding[] = [];
  const { image, release, disassembler } = input;
  const { arch } = image;
  const refused = (): Proof => ({ verdict: 'not proved', functions: [], findings });
  if (arch.objects === undefined) {
    findings.push(
      finding('proof-object', { message: `objects of ${arch.image.title} cannot be proved yet`, where: {} }),
    );
    return refused();
  }
  const payload = readPayload(input.payload);
  if (isProblem(payload)) {
    findings.push(finding('proof-payload', { message: payload.message, where: payload.where }));
    return refused();
  }
  const damage = damageOf(payload.elf);
  if (damage !== undefined) {
    findings.push(finding('proof-payload', { message: damage, where: {} }));
    return refused();
  }
  if (payload.elf.machine !== arch.machine) {
    const message = `the payload is for ${machineName(payload.elf.machine)}, the hypervisor for ${arch.image.title}`;
    findings.push(finding('proof-payload', { message, where: {} }));
    return refused();
  }
  const before = open(input.before, input, 'before', findings);
  const after = open(input.after, input, 'after', findings);
  const tables = tablesOf(arch, arch.objects, release);
  const common = { arch, tables, disassembler };
  guarded(findings, () => {
    findings.push(...beforeFindings({ ...common, objects: before, host: new Host(image, release, undefined) }));
  });
  for (const hooks of payload.hooks) {
    const message = `the payload has a ${hooks.kind} hook: what it does is not compared`;
    findings.push(finding('proof-hook', { message, where: {} }));
  }
  const host = new Host(image, release, payload);
  const functions: ProvedFunction[] = [];
  guarded(findings, () => {
    const { redirects, names, findings: wrong } = replacementsOf(payload, host, disassembler);
    findings.push(...wrong);
    const owners = ownersAfter(host, before, after);
    const engine = new Engine({ ...common, host, objects: after, owners, redirects });
    const roots = [...rootsOf(engine, host, after, owners, redirects)];
    engine.run();
    findings.push(...engine.findings);
    for (const [old, name] of names) {
      if (engine.reached.has(old)) continue;
      const message = `${name}: the payload replaces it, but no object after the patch has it`;
      findings.push(finding('proof-entry', { message, where: { symbol: name } }));
    }
    const failed = new Set(engine.findings.map(({ where }) => `${where.file} ${where.symbol}`));
    for (const { atom, runs } of roots) {
      const name = atomName(atom);
      const object = atom.object.name;
      functions.push({
        name,
        object,
        runs: inPayload(runs) ? 'payload' : 'host',
        proved: !failed.has(`${object} ${name}`),
      });
    }
  });
  guarded(findings, () => {
    findings.push(...layoutFindings(before, after, input.inflate));
  });
  const verdict = findings.some(({ severity }) => severity === 'error') ? 'not proved' : 'proved';
  return { verdict, functions, findings };
}

/** Runs a part of the proof; an object that no compiler writes becomes a finding. */
function guarded(findings: Finding[], part: () => void): void {
  try {
    part();
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    findings.push(finding('proof-object', { message: error.message, where: {} }));
  }
}

function open(
  objects: readonly NamedObject[],
  { image, disassembler }: ProofInput,
  side: string,
  findings: Finding[],
): ProofObject[] {
  return objects.flatMap(({ name, bytes }) => {
    const tell = (message: string): [] => {
      findings.push(
        finding('proof-object', { message: `${name} ${side} the patch: ${message}`, where: { file: name } }),
      );
      return [];
    };
    const elf = readElf(bytes);
    if (isProblem(elf)) return tell(elf.message);
    if (elf.header.e_type !== ET_REL) return tell('not a relocatable object');
    if (elf.machine !== image.arch.machine) return tell(`is for ${machineName(elf.machine)}`);
    try {
      return [new ProofObject(elf, name, image.arch, disassembler)];
    } catch (error) {
      if (error instanceof Unreadable) return tell(error.message);
      throw error;
    }
  });
}

/** Are the objects before those that the image was linked from? */
function beforeFindings(input: Omit<EngineInput, 'owners' | 'redirects'>): Finding[] {
  const owners = ownersBefore(input.host);
  const engine = new Engine({ ...input, owners, redirects: new Map() });
  for (const object of input.objects) {
    for (const atom of object.allAtoms()) {
      if (!hasRoot(atom) || isOverridden(input.host, atom)) continue;
      const owner = owners(atom);
      if (owner.kind === 'host') engine.expect(atom, owner.place);
    }
  }
  engine.run();
  return engine.findings.slice(0, 5).map(({ message, where }) =>
    finding('proof-before', {
      message: `the hypervisor was not linked from the objects before the patch: ${message}`,
      where,
    }),
  );
}

const hasRoot = ({ kind, names }: Atom): boolean =>
  names.length > 0 && (kind === 'code' || kind === 'state' || kind === 'percpu');

interface Root {
  readonly atom: Atom;
  readonly runs: HostPlace;
}

/** Asks for everything that the rest of the hypervisor, or a pointer on the host, can reach by name. Returns the functions. */
function* rootsOf(
  engine: Engine,
  host: Host,
  after: readonly ProofObject[],
  owners: Owners,
  redirects: ReadonlyMap<HostPlace, HostPlace>,
): Generator<Root, void, void> {
  for (const object of after) {
    for (const atom of object.allAtoms()) {
      if (isOverridden(host, atom)) continue;
      const owner = owners(atom);
      if (atom.kind === 'code') {
        for (const place of entriesOf(atom, host, owners)) {
          if (redirects.has(place)) engine.reached.add(place);
          const runs = redirects.get(place) ?? place;
          engine.expect(atom, runs);
          yield { atom, runs };
        }
      } else if (owner.kind === 'host' && (atom.kind === 'state' || atom.kind === 'percpu' || isShared(atom))) {
        const size = atom.names[0]?.size ?? 0;
        if (atom.kind !== 'constant' && size > 0 && owner.size > 0 && size !== owner.size) {
          const message = `${atomName(atom)} has ${size} bytes after the patch and ${owner.size} on the host`;
          engine.report('proof-state', message, { file: object.name, symbol: atomName(atom) });
        }
        engine.expect(atom, owner.place);
      }
    }
  }
}

/** Constants that other objects can read. */
const isShared = ({ kind, names }: Atom): boolean =>
  kind === 'constant' && names.some(({ bind }) => bind !== STB_LOCAL);

/** Places on the host at which the function is entered by one of its names. What the compiler cloned is only entered by references. */
function entriesOf(atom: Atom, host: Host, owners: Owners): Set<HostPlace> {
  const places = new Set<HostPlace>();
  for (const { name, bind } of atom.names) {
    if (isClone(name)) continue;
    const global = bind === STB_LOCAL ? undefined : host.global(name);
    const owner = owners(atom);
    if (global !== undefined) places.add(global.address);
    else if (owner.kind === 'host') places.add(owner.place);
  }
  return places;
}
