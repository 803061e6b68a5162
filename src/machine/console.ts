import type { Clock } from './clock.ts';
import { type Level, LOG_LEVELS, type LogLevel, type Thresholds } from './log-level.ts';
import { RateLimit } from './rate-limit.ts';

export interface ConsoleOptions {
  readonly thresholds: Thresholds;
  /** Level of lines without one: WARNING up to 4.17, INFO since 8c01f267ef (4.18). */
  readonly defaultLevel: Level;
  /** Most lines kept; the oldest are dropped first. */
  readonly lineLimit?: number;
}

/** One line, without `(XEN) ` and its newline. */
export interface ConsoleLine {
  readonly level: Level;
  /** Start of the line in nanoseconds. */
  readonly time: number;
  readonly text: string;
  /** Whether it was printed; false if its level is below the threshold. */
  readonly visible: boolean;
}

/** A line without its newline yet. */
interface OpenLine {
  readonly level: Level;
  readonly time: number;
  readonly visible: boolean;
  text: string;
}

/** Size of `buf` in vprintk_common: the longest printk, including the NUL. */
const BUFFER_SIZE = 1024;

const DEFAULT_LINE_LIMIT = 65_536;

/** Most characters kept of a line that never ends; a real console would print the rest. */
const OPEN_LINE_LIMIT = 16 * BUFFER_SIZE;

/**
 * The hypervisor's console: Xen's printk with its levels. Text is bytes, one character each.
 *
 * Source: xen/drivers/char/console.c (vprintk_common, printk_prefix_check).
 */
export class Console {
  readonly #clock: Clock;
  readonly #defaultLevel: Level;
  readonly #limit: number;
  readonly #rateLimit = new RateLimit();
  #thresholds: Thresholds;
  /** Everything is printed while this is above zero (`print_everything`): a panic increments it. */
  #everything = 0;
  #lines: ConsoleLine[] = [];
  /** Number of the first line in `#lines`, counted from the first line ever printed. */
  #first = 0;
  #taken = 0;
  /** Per CPU, as `state` in vprintk_common. */
  readonly #open = new Map<number, OpenLine>();

  constructor(clock: Clock, options: ConsoleOptions) {
    this.#clock = clock;
    this.#thresholds = options.thresholds;
    this.#defaultLevel = options.defaultLevel;
    this.#limit = options.lineLimit ?? DEFAULT_LINE_LIMIT;
  }

  get thresholds(): Thresholds {
    return this.#thresholds;
  }

  /** Sets the thresholds, like the console keys `+` and `-`. */
  set thresholds(thresholds: Thresholds) {
    this.#thresholds = thresholds;
  }

  /** Lines dropped because of the limit. */
  get dropped(): number {
    return this.#first;
  }

  /** The kept lines, visible or not, in order; only complete ones. */
  get lines(): readonly ConsoleLine[] {
    return this.#lines;
  }

  /** console_start_sync: prints everything from now on. */
  startSync(): void {
    this.#everything++;
  }

  /** console_end_sync. */
  endSync(): void {
    this.#everything--;
  }

  /**
   * `printk(LEVEL "text\n")`: adds the format's newline. Further newlines in the text, for example in a payload's name, start new lines at the
   * default level unless these begin with `<N>`, as on a real console.
   */
  printk(level: LogLevel, text: string, cpu = 0): void {
    const prefix = level === 'DEFAULT' ? '' : `<${LOG_LEVELS.indexOf(level)}>`;
    this.print(`${prefix}${text}\n`, cpu);
  }

  /**
   * printk with everything in one string: level prefixes `<0>` … `<3>` at the start of lines, and newlines at their end. This CPU's next call
   * continues a line without a newline.
   */
  print(text: string, cpu = 0): void {
    const end = text.indexOf('\0');
    const buffer = text.slice(0, Math.min(end === -1 ? text.length : end, BUFFER_SIZE - 1));
    const pieces = buffer.split('\n');
    const rest = pieces.pop() ?? '';
    for (const piece of pieces) {
      this.#add(piece, cpu);
      this.#end(cpu);
    }
    if (rest !== '') this.#add(rest, cpu);
  }

  /** Returns this CPU's line without a newline yet; `undefined` if there is none or it is not visible. */
  openLine(cpu = 0): string | undefined {
    const open = this.#open.get(cpu);
    return open?.visible === true ? open.text : undefined;
  }

  /** __printk_ratelimit: whether another message may be printed now. Prints how many were suppressed before it. */
  passRateLimit(): boolean {
    const suppressed = this.#rateLimit.pass(this.#clock.now);
    if (suppressed === false) return false;
    if (suppressed > 0) {
      const text = `printk: ${suppressed} messages suppressed.`;
      this.#keep({ level: this.#defaultLevel, time: this.#clock.now, text, visible: true });
    }
    return true;
  }

  /** Returns the current position in the output, for {@link since}. */
  mark(): number {
    return this.#first + this.#lines.length;
  }

  /** Returns the visible lines completed since a mark that are still kept. */
  since(mark: number): string[] {
    const lines: string[] = [];
    for (let i = Math.max(0, mark - this.#first); i < this.#lines.length; i++) {
      const line = this.#lines[i] as ConsoleLine;
      if (line.visible) lines.push(line.text);
    }
    return lines;
  }

  /** Returns the visible lines completed since the last `take`. */
  take(): string[] {
    const lines = this.since(this.#taken);
    this.#taken = this.mark();
    return lines;
  }

  #add(piece: string, cpu: number): void {
    const open = this.#open.get(cpu);
    if (open === undefined) this.#open.set(cpu, this.#begin(piece));
    else if (open.text.length < OPEN_LINE_LIMIT) open.text += piece;
  }

  /** printk_prefix_check. `<G>` marks a guest's line, which does not come from livepatch; its thresholds are not modelled. */
  #begin(piece: string): OpenLine {
    const time = this.#clock.now;
    let level: Level | undefined;
    let at = 0;
    while (piece[at] === '<' && at + 2 < piece.length && piece[at + 2] === '>') {
      const digit = piece.charCodeAt(at + 1) - 0x30;
      level = LOG_LEVELS[digit] ?? level;
      at += 3;
    }
    const known = level ?? this.#defaultLevel;
    return { level: known, time, visible: this.#shows(LOG_LEVELS.indexOf(known)), text: piece.slice(at) };
  }

  #shows(level: number): boolean {
    if (this.#everything > 0 || level < this.#thresholds.lower) return true;
    if (level >= this.#thresholds.upper) return false;
    return this.passRateLimit();
  }

  #end(cpu: number): void {
    const open = this.#open.get(cpu);
    if (open === undefined) return;
    this.#open.delete(cpu);
    this.#keep(open);
  }

  #keep(line: ConsoleLine): void {
    this.#lines.push(line);
    // Drop lines in batches: dropping one per printk would copy a long array each time.
    if (this.#lines.length < this.#limit + Math.max(16, this.#limit >> 3)) return;
    const surplus = this.#lines.length - this.#limit;
    this.#lines = this.#lines.slice(surplus);
    this.#first += surplus;
  }
}
