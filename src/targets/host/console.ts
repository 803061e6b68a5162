import { latin1, viewOf } from '../../base/index.ts';
import { withoutPrefix } from '../qemu/serial-log.ts';
import type { Handle, LibraryCalls } from './library-calls.ts';

/** What is read from the ring at a time, in bytes. The ring has 16 KiB unless `conring_size` says otherwise. */
const CHUNK = 32_768;
/** More in one go is somebody who prints faster than we read. */
const CHUNKS = 512;

/**
 * The hypervisor's console ring, read incrementally: nothing is taken from it, so that others (`xl dmesg`) see the same.
 * Source: xen/drivers/char/console.c, read_console_ring.
 */
export class HostConsole {
  readonly #calls: LibraryCalls;
  readonly #handle: Handle;
  /** Bytes ever printed, modulo 2^32: where to go on. */
  #index = 0;
  #rest = '';

  constructor(calls: LibraryCalls, handle: Handle) {
    this.#calls = calls;
    this.#handle = handle;
  }

  /** Whole lines since the last call, without `(XEN) `; a negated errno where the hypervisor refuses. */
  take(): string[] | number {
    let text = this.#rest;
    for (let i = 0; i < CHUNKS; i++) {
      const buffer = new Uint8Array(CHUNK);
      const count = word(CHUNK);
      const index = word(this.#index);
      const { result, errno } = this.#calls.readConsoleRing(this.#handle, buffer, count, 0, 1, index);
      if (result < 0) return -errno;
      this.#index = wordOf(index);
      const got = Math.min(wordOf(count), CHUNK);
      text += latin1(buffer.subarray(0, got));
      if (got < CHUNK) break;
    }
    const lines = text.split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.map((line) => withoutPrefix(line.replace(/\r$/, '')));
  }
}

/** Memory of one `uint32_t`. */
export function word(value = 0): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, true);
  return bytes;
}

/** The number in it. Every architecture that Xen runs on is little endian. */
export const wordOf = (bytes: Uint8Array, index = 0): number => viewOf(bytes).getUint32(4 * index, true);
