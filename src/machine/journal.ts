import type { Address } from '../base/index.ts';

/** One write that reached memory. */
export interface JournalEntry {
  readonly address: Address;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** Default for the most bytes of `after` that a journal keeps between `begin` and `end`. */
const DEFAULT_LIMIT = 16 * 1024 * 1024;

/** Minimum cost of a write, to limit many tiny ones, too. */
const ENTRY_COST = 64;

/** Records writes to an address space between {@link begin} and {@link end}. Costs nothing outside of that. */
export class Journal {
  /** Writes not recorded because the journal was full. */
  dropped = 0;
  #recording = false;
  #entries: JournalEntry[] = [];
  #cost = 0;
  readonly #limit: number;

  /** `limit`: most bytes kept. */
  constructor(limit: number = DEFAULT_LIMIT) {
    this.#limit = limit;
  }

  get recording(): boolean {
    return this.#recording;
  }

  /** Starts with an empty journal. */
  begin(): void {
    this.#recording = true;
    this.#entries = [];
    this.#cost = 0;
    this.dropped = 0;
  }

  /** Stops recording and returns the writes since `begin`, in order. */
  end(): readonly JournalEntry[] {
    const entries = this.#entries;
    this.#recording = false;
    this.#entries = [];
    return entries;
  }

  /** Called by the address space with the bytes in memory, before it overwrites them. Copies both. */
  record(address: Address, before: Uint8Array, after: Uint8Array): void {
    if (!this.#recording) return;
    this.#cost += Math.max(after.length, ENTRY_COST);
    if (this.#cost > this.#limit) {
      this.dropped++;
      return;
    }
    this.#entries.push({ address, before: before.slice(), after: after.slice() });
  }
}
