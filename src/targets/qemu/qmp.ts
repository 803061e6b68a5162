import type { Duplex } from 'node:stream';
import { XspliceError } from '../../base/index.ts';
import type { Down } from './down.ts';
import { Waiting } from './waiting.ts';

interface Reply {
  readonly return?: unknown;
  readonly error?: { readonly desc?: string };
}

/** Speaks QEMU's machine protocol: one JSON object per line, replies in order, events in between. */
export class Qmp {
  readonly #stream: Duplex;
  readonly #waiting = new Waiting<Reply>();
  #rest = '';

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.setEncoding('utf8').on('data', (text: string) => this.#receive(text));
    stream.on('error', () => undefined);
  }

  #receive(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const message = JSON.parse(line) as Reply;
      if ('return' in message || 'error' in message) this.#waiting.answer(message);
    }
  }

  /** Runs a command. `args` is JSON text, because some arguments are 64-bit numbers. Returns `undefined` if QEMU refuses. */
  async attempt(command: string, args: string = '{}'): Promise<{ readonly value: unknown } | { readonly why: string }> {
    const line = `{"execute":${JSON.stringify(command)},"arguments":${args}}\n`;
    const reply = await this.#waiting.request(() => void this.#stream.write(line));
    return reply.error === undefined ? { value: reply.return } : { why: reply.error.desc ?? 'no reason given' };
  }

  /** Runs a command that must work; throws ETOOL if QEMU refuses. */
  async execute(command: string, args: string = '{}'): Promise<unknown> {
    const result = await this.attempt(command, args);
    if ('why' in result) throw new XspliceError('ETOOL', `QEMU refuses ${command}: ${result.why}`);
    return result.value;
  }

  /** Returns `status` of a query's reply. */
  async status(query: 'query-status' | 'query-migrate'): Promise<string> {
    const value = await this.execute(query);
    return typeof value === 'object' && value !== null && 'status' in value ? String(value.status) : '';
  }

  fail(down: Down): void {
    this.#waiting.fail(down);
  }
}
