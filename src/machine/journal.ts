import type { Address } from '../base/index.ts';

/** One write that reached memory. */
export interface JournalEntry {
  readonly address: Address;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** Bytes of `after` that a journal keeps between `begin` and `end` unless told otherwise. */
const DEFAULT_LIMIT = 16 * 1024 * 1024;

/** Writes cost at least this much of the limit, so that many tiny ones are bounded, too. */
const ENTRY_COST = 64;

/** Records what is written to an address space between {@link begin} and {@link end}. Off, and free, until then. */
export class Journal {
  /** Writes that were not kept because the journal was full. */
  dropped = 0;
  #recording = false;
  #entries: JournalEntry[] = [];
  #cost = 0;
  readonly #limit: number;

  /** `limit`: bytes kept at most. */
  constructor(limit: number = DEFAULT_LIMIT) {
    this.#limit = limit;
  }

  get recording(): boolean {
    return this.#recording;
  }

  /** Starts over with an empty journal. */
  begin(): void {
    this.#recording = true;
    this.#entries = [];
    this.#cost = 0;
    this.dropped = 0;
  }

  /** Stops recording. The writes since `begin`, in order; none where nothing was recorded. */
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
