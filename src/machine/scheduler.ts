import { assert } from '../base/index.ts';
import type { Clock } from './clock.ts';
import type { Cpu } from './cpu.ts';

interface Event {
  readonly at: number;
  readonly order: number;
  readonly cpu: Cpu;
  readonly run: (cpu: Cpu) => void;
}

/** Most events per `runUntil`: beyond it, some code reschedules itself for ever. */
const EVENT_LIMIT = 10_000_000;

/**
 * Future events of CPUs in virtual time. Events at the same time happen in the order of their scheduling, so a run is deterministic.
 */
export class Scheduler {
  readonly #clock: Clock;
  /** A binary heap with the next event first. */
  readonly #heap: Event[] = [];
  #order = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Number of pending events. */
  get pending(): number {
    return this.#heap.length;
  }

  /** Calls `run` when the clock reaches `at`; a time in the past means now. */
  schedule(at: number, cpu: Cpu, run: (cpu: Cpu) => void): void {
    this.#push({ at: Math.max(at, this.#clock.now), order: this.#order++, cpu, run });
  }

  /**
   * Runs events until `condition` is true or the clock reaches `deadline`, like a CPU that spins on a condition and the time. Events at the
   * deadline itself still happen. The clock ends at the event that made the condition true, or at the deadline; without a deadline, at the last
   * event.
   *
   * @returns whether the condition is true
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
      // A handler may have advanced the clock past this event.
      if (next.at > this.#clock.now) this.#clock.advanceTo(next.at);
      next.run(next.cpu);
    }
    return true;
  }

  /** Runs all events; the clock ends at the last one. */
  drain(): void {
    this.runUntil(() => false);
  }

  /** Drops all pending events, for a host that has stopped. */
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
