import { type Address, addOffset } from '../base/index.ts';
import { type CallCoverage, symbolText } from '../xen/index.ts';
import type { RunObserver } from './code-port.ts';
import type { Hypervisor } from './hypervisor.ts';
import { symbolPlace } from './symbol-text.ts';

/** A function of a payload, and which of its bytes were carried out. */
interface Covered {
  readonly symbol: string;
  readonly start: Address;
  readonly size: number;
  covered: number;
}

/** Functions that are told of at most: a wild jump into a table of stubs enters hundreds. */
const MOST_ENTERED = 1000;

/** Notes which instructions a call carries out: how many, and which functions it enters. */
export class CoverageRecorder implements RunObserver {
  instructions = 0;
  /** Symbols whose first instruction was carried out, each once. */
  readonly entered: string[] = [];
  readonly #hv: Hypervisor;
  /** Addresses of instructions that were carried out. */
  readonly #seen = new Set<Address>();
  readonly #covered = new Map<string, Covered>();
  #last: Address = -1n;

  constructor(hv: Hypervisor) {
    this.#hv = hv;
  }

  instruction(address: Address, size: number): void {
    // A repeated instruction is told of for each round.
    if (address !== this.#last) this.instructions++;
    this.#last = address;
    if (this.#seen.has(address)) return;
    this.#seen.add(address);
    this.#note(address, size);
  }

  /** Of the payloads' functions, in the order in which they were entered. */
  coverage(): CallCoverage[] {
    return [...this.#covered.values()].map(({ symbol, size, covered }) => ({ symbol, size, covered }));
  }

  #note(address: Address, size: number): void {
    const place = symbolPlace(this.#hv, address);
    if (place?.offset === 0 && this.entered.length < MOST_ENTERED) this.entered.push(symbolText(place, false));
    const function_ = this.#functionAt(address);
    if (function_ !== undefined) function_.covered += size;
  }

  /** The payload's function that an address is in: by the symbols, or else by `.livepatch.funcs`. */
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
