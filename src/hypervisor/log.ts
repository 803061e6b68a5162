import type { Console, LogLevel } from '../machine/index.ts';
import { type FormatArg, formatter, oldText, type Release } from '../xen/index.ts';

/**
 * Writes the livepatch code's console lines in the release's own words.
 *
 * printk lines appear at their level. dprintk lines appear only in debug builds, after `FILE:LINE: `. The line number depends on the source
 * tree and is unknown here, so they start with `FILE: `. Up to 4.12 all errors were dprintk lines, most with a trailing `!`.
 * Source: xen/include/xen/lib.h (dprintk); facts per release in `xen/log-format.ts`.
 */
export class Log {
  readonly #console: Console;
  readonly #release: Release;
  /** Formats a message as this host's printk does. */
  readonly format: ReturnType<typeof formatter>;
  /** CONFIG_DEBUG: loops check this before they build arguments for dprintk. */
  readonly debug: boolean;
  /** The last error-level text, formatted, whether or not this build prints it. */
  lastError: string | null = null;

  constructor(
    console: Console,
    release: Release,
    build: { readonly debugBuild: boolean; readonly pointerSize: 4 | 8 },
  ) {
    this.#console = console;
    this.#release = release;
    this.debug = build.debugBuild;
    this.format = formatter(build.pointerSize);
  }

  printk(level: LogLevel, template: string, ...args: FormatArg[]): void {
    this.#console.printk(level, this.format(template, ...args));
  }

  /** Prints in debug builds only. `file` is what __FILE__ contains. */
  dprintk(file: string, level: LogLevel, template: string, ...args: FormatArg[]): void {
    if (!this.debug) return;
    this.#console.printk(level, `${file}: ${this.format(template, ...args)}`);
  }

  /** Prints an error the way the release does, with `prefix` before the template's text. */
  error(file: string, prefix: string, template: string, ...args: FormatArg[]): void {
    const old = this.#release.errorsLogged === 'dprintk';
    const text = prefix + this.format(old ? oldText(template) : template, ...args);
    this.lastError = text;
    if (!old) this.#console.printk('ERR', text);
    else if (this.debug) this.#console.printk('ERR', `${file}: ${text}`);
  }
}
