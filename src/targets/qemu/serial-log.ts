/** Prefix of every Xen line. */
const PREFIX = '(XEN) ';
const BARE_PREFIX = '(XEN)';

/** Last lines of a hypervisor. Source: common/shutdown.c (hwdom_shutdown), drivers/char/console.c (panic). */
const LAST_WORDS = /^(?:Reboot in five seconds|Manual reset required|Hardware Dom0 (?:crashed|halted|shutdown))/;

/** More unread lines than this mean a nested crash that prints endlessly. */
const FLOOD_LINES = 20_000;
const TAIL_LINES = 40;
const LINE = 4096;

/** Strips the prefix of Xen's lines. */
export const withoutPrefix = (line: string): string =>
  line.startsWith(PREFIX) ? line.slice(PREFIX.length) : line === BARE_PREFIX ? '' : line;

/**
 * Splits the serial output into dom0's and Xen's lines. It keeps Xen's until they were read from the console ring too: after a death
 * they are all that is left.
 */
export class SerialLog {
  /** Xen's lines, without prefix, that were not yet read from the ring. */
  readonly #xen: string[] = [];
  readonly #tail: string[] = [];
  #rest = '';
  #skip = 0;
  #finished: 'last words' | 'flood' | undefined;

  /** Adds serial output, one character per byte. */
  feed(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(0, LINE);
    for (const line of lines) this.#line(line.replaceAll('\r', '').slice(0, LINE));
  }

  #line(line: string): void {
    this.#tail.push(line);
    if (this.#tail.length > TAIL_LINES) this.#tail.shift();
    if (!line.startsWith(BARE_PREFIX)) return;
    const text = withoutPrefix(line);
    if (LAST_WORDS.test(text)) this.#finished ??= 'last words';
    if (this.#skip > 0) this.#skip--;
    else if (this.#xen.length < FLOOD_LINES) this.#xen.push(text);
    else this.#finished ??= 'flood';
  }

  /** Drops Xen lines that were read from the ring. The serial line may lag behind. */
  skip(lines: number): void {
    const here = Math.min(lines, this.#xen.length);
    this.#xen.splice(0, here);
    this.#skip += lines - here;
  }

  /** Drops all lines so far. */
  skipAll(): void {
    this.#xen.length = 0;
    this.#skip = 0;
  }

  /** Returns Xen's lines that were not read elsewhere. */
  get xen(): readonly string[] {
    return this.#xen;
  }

  /** Returns why nothing useful can follow: last words, or endless output. */
  get finished(): 'last words' | 'flood' | undefined {
    return this.#finished;
  }

  /** Returns the last lines of Xen and dom0. */
  get tail(): readonly string[] {
    return this.#rest === '' ? this.#tail : [...this.#tail, this.#rest];
  }

  /** Do the last lines contain this text? */
  has(text: string): boolean {
    return this.tail.some((line) => line.includes(text));
  }
}
