import { type Host, type HostPlace, inPayload } from './host.ts';
import type { Owners } from './owners.ts';
import { type Atom, atomName } from './program.ts';
import type { From, Reason } from './reason.ts';

/** Pairs the writable objects of the patched program with those of the host, one to one. */
export class State {
  readonly #host: Host;
  readonly #owners: Owners;
  readonly #expect: (atom: Atom, base: HostPlace) => void;
  /** Where the variables are that the patch adds, and those of which names do not tell. */
  readonly #placed = new Map<Atom, { readonly base: HostPlace; pinned: boolean }>();
  readonly #holders = new Map<HostPlace, Atom>();

  /** @param expect called once for each pair whose content must be the same. */
  constructor(host: Host, owners: Owners, expect: (atom: Atom, base: HostPlace) => void) {
    this.#host = host;
    this.#owners = owners;
    this.#expect = expect;
  }

  /** Returns where a variable is, if anything has referred to it. */
  placeOf(atom: Atom): HostPlace | undefined {
    return this.#placed.get(atom)?.base;
  }

  /** Is the object at `base` the counterpart of a variable? */
  meets(atom: Atom, base: HostPlace, from: From): Reason | undefined {
    const owner = this.#owners(atom);
    const name = atomName(atom);
    if (owner.kind === 'host') {
      if (owner.place === base) return undefined;
      return { rule: 'proof-state', message: `refers to ${this.#host.nameOf(base)} instead of the host’s ${name}` };
    }
    if (owner.kind === 'new') {
      if (atom.kind === 'percpu')
        return { rule: 'proof-state', message: `${name} is a new per-CPU variable, for which the host has no room` };
      if (!inPayload(base))
        return {
          rule: 'proof-state',
          message: `refers to ${this.#host.nameOf(base)} instead of the new variable ${name}`,
        };
    }
    const known = this.#placed.get(atom);
    if (known !== undefined && known.base !== base) {
      return {
        rule: 'proof-state',
        message: `refers to ${this.#host.nameOf(base)}, other code to ${this.#host.nameOf(known.base)}, for the one variable ${name}`,
      };
    }
    const holder = this.#holders.get(base);
    if (holder !== undefined && holder !== atom) {
      return {
        rule: 'proof-state',
        message: `refers to ${this.#host.nameOf(base)} for ${name}, which is also ${atomName(holder)}`,
      };
    }
    if (known === undefined) {
      if (!this.#host.isMapped(base, 'state'))
        return { rule: 'proof-state', message: `${name} cannot be written ${this.#host.where(base)}` };
      this.#placed.set(atom, { base, pinned: false });
      this.#holders.set(base, atom);
      this.#expect(atom, base);
    }
    // The hypervisor's own code says which variable it is.
    if (!inPayload(from.base)) (this.#placed.get(atom) as { pinned: boolean }).pinned = true;
    return undefined;
  }

  /** Returns the variables of one name that the host’s own code does not tell apart. Ask when everything has been compared. */
  *undecided(): Generator<readonly [Atom, Reason], void, void> {
    for (const [atom, { base, pinned }] of this.#placed) {
      const owner = this.#owners(atom);
      if (owner.kind !== 'group' || pinned) continue;
      const { group } = owner;
      const fixed = group.after.filter((each) => this.#placed.get(each)?.pinned === true);
      const taken = new Set(fixed.map((each) => this.#placed.get(each)?.base));
      const free = group.places.filter((place) => !taken.has(place));
      const open = group.after.filter((each) => !fixed.includes(each));
      const decided = free.length === 0 ? inPayload(base) : free.length === 1 && open.length === 1 && base === free[0];
      if (decided) continue;
      yield [
        atom,
        {
          rule: 'proof-ambiguous',
          message: `${group.after.length} variables are called ${group.name} after the patch and ${group.places.length} on the host; which is which cannot be told`,
        },
      ];
    }
  }
}
