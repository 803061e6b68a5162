import { type Address, addOffset } from '../base/index.ts';
import { type CallCoverage, symbolText } from '../xen/index.ts';
import type { RunObserver } from './code-port.ts';
import type { Hypervisor } from './hypervisor.ts';
import { symbolPlace } from './symbol-text.ts';

/** A payload's function and how many of its bytes were executed. */
interface Covered {
  readonly symbol: string;
  readonly start: Address;
  readonly size: number;
  covered: number;
}

/** Most entered functions recorded: a wild jump into a table of stubs enters hundreds. */
const MOST_ENTERED = 1000;

/** Records the instructions that a call executes: how many, and which functions it enters. */
export class CoverageRecorder implements RunObserver {
  instructions = 0;
  /** Symbols whose first instruction was executed, each once. */
  readonly entered: string[] = [];
  readonly #hv: Hypervisor;
  /** Addresses of executed instructions. */
  readonly #seen = new Set<Address>();
  readonly #covered = new Map<string, Covered>();
  #last: Address = -1n;

  constructor(hv: Hypervisor) {
    this.#hv = hv;
  }

  instruction(address: Address, size: number): void {
    // A repeated instruction is reported once per iteration.
    if (address !== this.#last) this.instructions++;
    this.#last = address;
    if (this.#seen.has(address)) return;
    this.#seen.add(address);
    this.#note(address, size);
  }

  /** Returns the coverage of payloads' functions, in the order of entry. */
  coverage(): CallCoverage[] {
    return [...this.#covered.values()].map(({ symbol, size, covered }) => ({ symbol, size, covered }));
  }

  #note(address: Address, size: number): void {
    const place = symbolPlace(this.#hv, address);
    if (place?.offset === 0 && this.entered.length < MOST_ENTERED) this.entered.push(symbolText(place, false));
    const function_ = this.#functionAt(address);
    if (function_ !== undefined) function_.covered += size;
  }

  /** Returns the payload function that contains an address, from the payload's symbols. */
  #functionAt(address: Address): Covered | undefined {
    for (const payload of this.#hv.payloads) {
      const { addr, size } = payload.text;
      if (address < addr || address >= addOffset(addr, size)) continue;
      const symbol = payload.symtab.find(
        (each) => address >= each.value && address < addOffset(each.value, Math.max(each.size, 1)),
      );
      if (symbol === undefined) return undefined;
      const key = `${symbol.name} [${payload.name}]`;
      let found = this.#covered.get(key);
      if (found === undefined) {
        found = { symbol: key, start: symbol.value, size: symbol.size, covered: 0 };
        this.#covered.set(key, found);
      }
      return found;
    }
    return undefined;
  }
}
