import { type Down, MachineDown } from './down.ts';

interface Waiter<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** Pending replies, in the order of the requests. */
export class Waiting<T> {
  readonly #waiters: Waiter<T>[] = [];
  #down: Down | undefined;

  /** Sends a request and waits for its reply; rejects with {@link MachineDown}. */
  request(send: () => void): Promise<T> {
    const down = this.#down;
    if (down !== undefined) return Promise.reject(new MachineDown(down));
    return new Promise<T>((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      send();
    });
  }

  /** Resolves the oldest request. */
  answer(value: T): void {
    this.#waiters.shift()?.resolve(value);
  }

  /** Rejects all pending requests. */
  fail(down: Down): void {
    this.#down ??= down;
    for (const { reject } of this.#waiters.splice(0)) reject(new MachineDown(down));
  }
}
