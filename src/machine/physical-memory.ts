import { PAGE_SIZE } from '../arch/index.ts';
import { assert, viewOf } from '../base/index.ts';

/** Consecutive frames that share one byte array. */
export interface Extent {
  readonly first: number;
  readonly frames: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Page-table entries that map its frames, counted in small pages. The last one to go frees the extent. */
  mappings: number;
}

/** A page-table page. */
export interface TablePage {
  readonly frame: number;
  readonly entries: BigUint64Array;
}

/** Start of the simulated host's free memory: below 4 GiB, like the heap of a small machine. */
const DEFAULT_FIRST_FRAME = 0x6c000;

const ENTRIES_PER_TABLE = 512;

/**
 * The machine's memory by frame number. Allocates the lowest frames first, so equal histories give equal page tables. A frame belongs to an
 * {@link Extent} of mapped memory or to a page table, or does not exist.
 */
export class PhysicalMemory {
  readonly #tables = new Map<number, BigUint64Array>();
  /** Ascending by `first`. */
  readonly #extents: Extent[] = [];
  /** Free ranges below `#next`, ascending, never adjacent to each other. */
  readonly #holes: { first: number; frames: number }[] = [];
  #next: number;

  constructor(firstFrame: number = DEFAULT_FIRST_FRAME) {
    this.#next = firstFrame;
  }

  /** Number of page tables in use. */
  get tableCount(): number {
    return this.#tables.size;
  }

  /** Allocates a zeroed frame for a page table. */
  allocateTable(): TablePage {
    const frame = this.#take(1, 1, 0);
    const entries = new BigUint64Array(ENTRIES_PER_TABLE);
    this.#tables.set(frame, entries);
    return { frame, entries };
  }

  /** Returns the page table in a frame; `undefined` if there is none. */
  table(frame: number): BigUint64Array | undefined {
    return this.#tables.get(frame);
  }

  /**
   * Allocates frames for bytes, which stay the caller's: the machine reads and writes them in place. The first frame is congruent to `remainder`
   * modulo `modulus`. The frames are freed with their last mapping.
   */
  allocate(bytes: Uint8Array, modulus = 1, remainder = 0): Extent {
    assert(bytes.length > 0 && bytes.length % PAGE_SIZE === 0, `${bytes.length} bytes are not whole pages`);
    const frames = bytes.length / PAGE_SIZE;
    const first = this.#take(frames, modulus, remainder);
    const extent: Extent = { first, frames, bytes, view: viewOf(bytes), mappings: 0 };
    this.#extents.splice(this.#indexAbove(first), 0, extent);
    return extent;
  }

  /** Returns the extent of a frame; `undefined` if nothing is mapped to it. */
  extentAt(frame: number): Extent | undefined {
    const extent = this.#extents[this.#indexAbove(frame) - 1];
    return extent !== undefined && frame < extent.first + extent.frames ? extent : undefined;
  }

  /** Counts new mappings of `frames` frames. */
  retain(first: number, frames: number): void {
    this.#count(first, frames, 1);
  }

  /** Removes mappings; frees memory without any. */
  release(first: number, frames: number): void {
    this.#count(first, frames, -1);
  }

  #count(first: number, frames: number, sign: 1 | -1): void {
    const end = first + frames;
    for (let i = Math.max(0, this.#indexAbove(first) - 1); i < this.#extents.length; ) {
      const extent = this.#extents[i] as Extent;
      if (extent.first >= end) return;
      const shared = Math.min(end, extent.first + extent.frames) - Math.max(first, extent.first);
      if (shared > 0) extent.mappings += sign * shared;
      if (shared > 0 && extent.mappings === 0) {
        this.#extents.splice(i, 1);
        this.#give(extent.first, extent.frames);
      } else {
        i++;
      }
    }
  }

  /** Returns the index of the first extent above a frame. */
  #indexAbove(frame: number): number {
    let low = 0;
    let high = this.#extents.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#extents[middle] as Extent).first <= frame) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Takes the first range that fits. */
  #take(frames: number, modulus: number, remainder: number): number {
    for (let i = 0; i < this.#holes.length; i++) {
      const hole = this.#holes[i] as { first: number; frames: number };
      const first = congruent(hole.first, modulus, remainder);
      const end = hole.first + hole.frames;
      if (first + frames > end) continue;
      const rest = [];
      if (first > hole.first) rest.push({ first: hole.first, frames: first - hole.first });
      if (first + frames < end) rest.push({ first: first + frames, frames: end - first - frames });
      this.#holes.splice(i, 1, ...rest);
      return first;
    }
    const first = congruent(this.#next, modulus, remainder);
    const skipped = first - this.#next;
    const start = this.#next;
    this.#next = first + frames;
    if (skipped > 0) this.#give(start, skipped);
    return first;
  }

  /** Frees a range and merges it with free neighbours. */
  #give(first: number, frames: number): void {
    const holes = this.#holes;
    let at = 0;
    while (at < holes.length && (holes[at] as { first: number }).first < first) at++;
    const hole = { first, frames };
    const above = holes[at];
    let replaced = 0;
    if (above !== undefined && first + frames === above.first) {
      hole.frames += above.frames;
      replaced = 1;
    }
    const below = holes[at - 1];
    if (below !== undefined && below.first + below.frames === first) {
      hole.first = below.first;
      hole.frames += below.frames;
      at--;
      replaced++;
    }
    holes.splice(at, replaced, hole);
    const last = holes[holes.length - 1];
    if (last !== undefined && last.first + last.frames === this.#next) {
      holes.pop();
      this.#next = last.first;
    }
  }
}

/** Returns the first number at or above `from` with this `remainder`. */
const congruent = (from: number, modulus: number, remainder: number): number =>
  from + ((((remainder - from) % modulus) + modulus) % modulus);
