/** What every line of Xen's begins with. */
const PREFIX = '(XEN) ';
const BARE_PREFIX = '(XEN)';

/** Lines that are the last that a hypervisor prints. Source: common/shutdown.c (hwdom_shutdown), drivers/char/console.c (panic). */
const LAST_WORDS = /^(?:Reboot in five seconds|Manual reset required|Hardware Dom0 (?:crashed|halted|shutdown))/;

/** More than this that nobody has asked for is a crash inside of the crash: it prints without end. */
const FLOOD_LINES = 20_000;
const TAIL_LINES = 40;
const LINE = 4096;

/** Xen's lines without their prefix. */
export const withoutPrefix = (line: string): string =>
  line.startsWith(PREFIX) ? line.slice(PREFIX.length) : line === BARE_PREFIX ? '' : line;

/**
 * What comes out of the serial line: dom0's lines and Xen's. The latter are kept until they have been seen in the console
 * ring, too: when a host dies, they are all that can still be had.
 */
export class SerialLog {
  /** Xen's lines, without their prefix, that are not in the ring any more or not yet read from it. */
  readonly #xen: string[] = [];
  readonly #tail: string[] = [];
  #rest = '';
  #skip = 0;
  #finished: 'last words' | 'flood' | undefined;

  /** Adds what came, one character per byte. */
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

  /** So many more of Xen's lines have been seen elsewhere. The serial line may be behind. */
  skip(lines: number): void {
    const here = Math.min(lines, this.#xen.length);
    this.#xen.splice(0, here);
    this.#skip += lines - here;
  }

  /** Everything so far has been seen. */
  skipAll(): void {
    this.#xen.length = 0;
    this.#skip = 0;
  }

  /** Xen's lines that have not been seen elsewhere. */
  get xen(): readonly string[] {
    return this.#xen;
  }

  /** Nothing of use follows: the hypervisor said its last words, or says them without end. */
  get finished(): 'last words' | 'flood' | undefined {
    return this.#finished;
  }

  /** The last lines of everybody. */
  get tail(): readonly string[] {
    return this.#rest === '' ? this.#tail : [...this.#tail, this.#rest];
  }

  /** Has anybody printed this? Looks at the last lines only. */
  has(text: string): boolean {
    return this.tail.some((line) => line.includes(text));
  }
}
