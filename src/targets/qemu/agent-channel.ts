import type { Duplex } from 'node:stream';
import { fromLatin1, viewOf } from '../../base/index.ts';
import type { Down } from './down.ts';
import type { GuestArena } from './guest-arena.ts';
import { Waiting } from './waiting.ts';

const KIND_HYPERCALL = 0x48;
const KIND_READ = 0x52;
const KIND_PING = 0x50;

/** s64 at the start of every reply. */
const RESULT_SIZE = 8;

/** A reply of the agent: the result of the call, and the bytes after it. */
export interface AgentReply {
  /** Result, or a negated errno of Linux or Xen. */
  readonly result: number;
  readonly bytes: Uint8Array;
}

/** Talks to the agent in dom0; see `../agent/agent.c` for the protocol. Requests may be pipelined. */
export class AgentChannel {
  readonly #stream: Duplex;
  readonly #waiting = new Waiting<AgentReply>();
  #pieces: Buffer[] = [];
  #size = 0;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (bytes: Buffer) => this.#receive(bytes));
    stream.on('error', () => undefined);
  }

  #receive(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#size += bytes.length;
    for (;;) {
      if (this.#size < 4) return;
      if (this.#pieces.length > 1 && (this.#pieces[0]?.length ?? 0) < 4) this.#pieces = [Buffer.concat(this.#pieces)];
      const length = 4 + (this.#pieces[0] as Buffer).readUInt32LE(0);
      if (this.#size < length) return;
      const all = Buffer.concat(this.#pieces);
      this.#pieces = all.length === length ? [] : [all.subarray(length)];
      this.#size -= length;
      const result = Number(all.readBigInt64LE(4));
      this.#waiting.answer({ result, bytes: new Uint8Array(all.subarray(4 + RESULT_SIZE, length)) });
    }
  }

  #send(pieces: readonly Uint8Array[]): Promise<AgentReply> {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(pieces.reduce((sum, piece) => sum + piece.length, 0));
    return this.#waiting.request(() => {
      this.#stream.write(Buffer.concat([length, ...pieces]));
    });
  }

  /** Makes a hypercall with everything its arguments point to. Its output is in the arena afterwards. */
  async hypercall(arena: GuestArena, number: number, args: readonly bigint[]): Promise<number> {
    const { bytes, size, outputs } = arena.finish(number, args);
    const head = words([KIND_HYPERCALL, size, bytes.length, outputs.length]);
    const ranges = words(outputs.flatMap(({ at, size }) => [at, size]));
    const reply = await this.#send([head, ranges, bytes]);
    arena.take(reply.bytes);
    return reply.result;
  }

  /** Reads the first 64 KiB of a file in dom0; `undefined` if it cannot be read. */
  async readFile(path: string): Promise<Uint8Array | undefined> {
    const { result, bytes } = await this.#send([words([KIND_READ]), fromLatin1(path)]);
    return result < 0 ? undefined : bytes;
  }

  async ping(): Promise<void> {
    await this.#send([words([KIND_PING])]);
  }

  fail(down: Down): void {
    this.#waiting.fail(down);
  }
}

function words(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = viewOf(bytes);
  values.forEach((value, i) => {
    view.setUint32(4 * i, value, true);
  });
  return bytes;
}
