import type { Console, LogLevel } from '../machine/index.ts';
import { type FormatArg, formatter, oldText, type Release } from '../xen/index.ts';

/**
 * What the livepatch code writes to the console, in the release's own words.
 *
 * printk lines appear at their level. dprintk lines appear in debug builds only, behind `FILE:LINE: `; the line number belongs to one
 * source tree and is not known here, so `FILE: ` it is. Up to 4.12 all errors were dprintk, most with a trailing `!`.
 * Source: xen/include/xen/lib.h (dprintk); facts per release in `xen/log-format.ts`.
 */
export class Log {
  readonly #console: Console;
  readonly #release: Release;
  /** A message as this host's printk formats it. */
  readonly format: ReturnType<typeof formatter>;
  /** CONFIG_DEBUG: callers in loops ask before they make arguments for dprintk. */
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

  /** Debug builds only. `file` as __FILE__ prints it. */
  dprintk(file: string, level: LogLevel, template: string, ...args: FormatArg[]): void {
    if (!this.debug) return;
    this.#console.printk(level, `${file}: ${this.format(template, ...args)}`);
  }

  /** An error of the livepatch code, printed the way the release prints errors. `prefix` precedes the template's text. */
  error(file: string, prefix: string, template: string, ...args: FormatArg[]): void {
    const old = this.#release.errorsLogged === 'dprintk';
    const text = prefix + this.format(old ? oldText(template) : template, ...args);
    this.lastError = text;
    if (!old) this.#console.printk('ERR', text);
    else if (this.debug) this.#console.printk('ERR', `${file}: ${text}`);
  }
}
