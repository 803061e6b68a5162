import { type Finding, finding, type Place } from '../base/index.ts';

/** Maximum number of problems to keep: one damaged table causes thousands. */
const MOST = 64;

/** Collects the problems of a file's debug data, in order of discovery and without duplicates. */
export class Problems {
  readonly list: Finding[] = [];
  readonly #seen = new Set<string>();

  /** Adds a problem; `offset` is in bytes from the start of `section`. */
  add(message: string, section: string, offset?: number): void {
    const key = `${message}\0${section}\0${offset ?? ''}`;
    if (this.list.length >= MOST || this.#seen.has(key)) return;
    this.#seen.add(key);
    const where: Place = offset === undefined ? { section } : { section, offset };
    this.list.push(finding('debug-data', { message, where }));
  }
}
