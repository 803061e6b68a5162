import { assert } from '../base/index.ts';
import type { Clock } from './clock.ts';
import type { Cpu } from './cpu.ts';

interface Event {
  readonly at: number;
  readonly order: number;
  readonly cpu: Cpu;
  readonly run: (cpu: Cpu) => void;
}

/** Events that one `runUntil` handles at most: beyond it, something of ours reschedules itself for ever. */
const EVENT_LIMIT = 10_000_000;

/**
 * What CPUs will do, in virtual time. Events at the same time happen in the order in which they were scheduled, so a run is
 * the same every time.
 */
export class Scheduler {
  readonly #clock: Clock;
  /** A binary heap, the next event first. */
  readonly #heap: Event[] = [];
  #order = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Events that have not happened yet. */
  get pending(): number {
    return this.#heap.length;
  }

  /** Calls `run` when the clock reaches `at`; a time in the past means now. */
  schedule(at: number, cpu: Cpu, run: (cpu: Cpu) => void): void {
    this.#push({ at: Math.max(at, this.#clock.now), order: this.#order++, cpu, run });
  }

  /**
   * Lets events happen until `condition` holds or the clock reaches `deadline`, as a CPU that spins on a condition and the
   * time. Events at the deadline itself still happen. The clock ends at the event that made the condition true, or at the
   * deadline. Without a deadline it ends with the last event.
   *
   * @returns whether the condition holds
   */
  runUntil(condition: () => boolean, deadline?: number): boolean {
    for (let handled = 0; !condition(); handled++) {
      assert(handled < EVENT_LIMIT, 'the scheduler never comes to rest');
      const next = this.#heap[0];
      if (next === undefined || (deadline !== undefined && next.at > deadline)) {
        if (deadline !== undefined && deadline > this.#clock.now) this.#clock.advanceTo(deadline);
        return false;
      }
      this.#pop();
      // A handler may have let time pass beyond this event.
      if (next.at > this.#clock.now) this.#clock.advanceTo(next.at);
      next.run(next.cpu);
    }
    return true;
  }

  /** Lets all events happen; the clock ends with the last one. */
  drain(): void {
    this.runUntil(() => false);
  }

  /** Forgets what has not happened yet, as a host that has stopped. */
  clear(): void {
    this.#heap.length = 0;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(heap[at] as Event, heap[parent] as Event)) break;
      swap(heap, at, parent);
      at = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Event;
    if (heap.length === 0) return;
    heap[0] = last;
    for (let at = 0; ; ) {
      let next = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && before(heap[child] as Event, heap[next] as Event)) next = child;
      }
      if (next === at) return;
      swap(heap, at, next);
      at = next;
    }
  }
}

const before = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

function swap(heap: Event[], a: number, b: number): void {
  const event = heap[a] as Event;
  heap[a] = heap[b] as Event;
  heap[b] = event;
}
