import type { Clock } from './clock.ts';
import { type Level, LOG_LEVELS, type LogLevel, type Thresholds } from './log-level.ts';
import { RateLimit } from './rate-limit.ts';

export interface ConsoleOptions {
  readonly thresholds: Thresholds;
  /** The level of lines that name none: WARNING up to 4.17, INFO since 8c01f267ef (4.18). */
  readonly defaultLevel: Level;
  /** Lines kept at most; the oldest go first. */
  readonly lineLimit?: number;
}

/** One line, without `(XEN) ` and its newline. */
export interface ConsoleLine {
  readonly level: Level;
  /** When the line was begun, in nanoseconds. */
  readonly time: number;
  readonly text: string;
  /** Was it printed, or is it below the threshold? */
  readonly visible: boolean;
}

/** A line without its end yet. */
interface OpenLine {
  readonly level: Level;
  readonly time: number;
  readonly visible: boolean;
  text: string;
}

/** `buf` of vprintk_common: what one printk can hold, its NUL included. */
const BUFFER_SIZE = 1024;

const DEFAULT_LINE_LIMIT = 65_536;

/** Characters of one line that is never ended; the rest is lost here, though not on a real console. */
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
  /** While above zero everything is printed, whatever its level (`print_everything`): a panic raises it. */
  #everything = 0;
  #lines: ConsoleLine[] = [];
  /** Number of the first line in `#lines`, counted from the first line ever. */
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

  /** As the console keys `+` and `-` do. */
  set thresholds(thresholds: Thresholds) {
    this.#thresholds = thresholds;
  }

  /** Lines that are gone because there were too many. */
  get dropped(): number {
    return this.#first;
  }

  /** What is kept of all ended lines, visible or not, in order. */
  get lines(): readonly ConsoleLine[] {
    return this.#lines;
  }

  /** console_start_sync: from now on everything is printed. */
  startSync(): void {
    this.#everything++;
  }

  /** console_end_sync. */
  endSync(): void {
    this.#everything--;
  }

  /**
   * `printk(LEVEL "text\n")`: the newline of the format is added here. Further newlines in the text, say in a payload's name,
   * begin lines of their own, at the default level unless they start with `<N>`, as on the real console.
   */
  printk(level: LogLevel, text: string, cpu = 0): void {
    const prefix = level === 'DEFAULT' ? '' : `<${LOG_LEVELS.indexOf(level)}>`;
    this.print(`${prefix}${text}\n`, cpu);
  }

  /**
   * printk with everything in one string: level prefixes `<0>` … `<3>` at the start of lines, newlines where lines end. What
   * follows the last newline is continued by this CPU's next call.
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

  /** A line that this CPU has begun and not ended; `undefined` where there is none, or where it is not shown. */
  openLine(cpu = 0): string | undefined {
    const open = this.#open.get(cpu);
    return open?.visible === true ? open.text : undefined;
  }

  /** __printk_ratelimit: may one more message be printed now? Says how many were suppressed before this one. */
  passRateLimit(): boolean {
    const suppressed = this.#rateLimit.pass(this.#clock.now);
    if (suppressed === false) return false;
    if (suppressed > 0) {
      const text = `printk: ${suppressed} messages suppressed.`;
      this.#keep({ level: this.#defaultLevel, time: this.#clock.now, text, visible: true });
    }
    return true;
  }

  /** A point in the output, for {@link since}. */
  mark(): number {
    return this.#first + this.#lines.length;
  }

  /** The visible lines ended since a mark, as far as they are kept. */
  since(mark: number): string[] {
    const lines: string[] = [];
    for (let i = Math.max(0, mark - this.#first); i < this.#lines.length; i++) {
      const line = this.#lines[i] as ConsoleLine;
      if (line.visible) lines.push(line.text);
    }
    return lines;
  }

  /** The visible lines ended since the last `take`. */
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

  /** printk_prefix_check. `<G>`, a guest's line, does not come from livepatch; its thresholds are not kept here. */
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
    // In batches: cutting one line off a long array at every printk would copy it every time.
    if (this.#lines.length < this.#limit + Math.max(16, this.#limit >> 3)) return;
    const surplus = this.#lines.length - this.#limit;
    this.#lines = this.#lines.slice(surplus);
    this.#first += surplus;
  }
}
