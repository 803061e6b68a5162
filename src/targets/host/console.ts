import { latin1, viewOf } from '../../base/index.ts';
import { withoutPrefix } from '../qemu/serial-log.ts';
import type { Handle, LibraryCalls } from './library-calls.ts';

/** Bytes per read. The ring has 16 KiB unless `conring_size` says otherwise. */
const CHUNK = 32_768;
/** Upper bound on reads per call, in case something prints faster than we read. */
const CHUNKS = 512;

/**
 * Reads the hypervisor's console ring incrementally. Nothing is removed from it, so `xl dmesg` still shows every line.
 * Source: xen/drivers/char/console.c, read_console_ring.
 */
export class HostConsole {
  readonly #calls: LibraryCalls;
  readonly #handle: Handle;
  /** Total bytes printed so far, modulo 2^32: the position of the next read. */
  #index = 0;
  #rest = '';

  constructor(calls: LibraryCalls, handle: Handle) {
    this.#calls = calls;
    this.#handle = handle;
  }

  /** Returns the complete lines printed since the last call, without `(XEN) `, or a negated errno if the hypervisor refuses. */
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

/** Returns the memory of one `uint32_t`. */
export function word(value = 0): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, true);
  return bytes;
}

/** Reads a `uint32_t`. Every architecture that Xen runs on is little-endian. */
export const wordOf = (bytes: Uint8Array, index = 0): number => viewOf(bytes).getUint32(4 * index, true);
