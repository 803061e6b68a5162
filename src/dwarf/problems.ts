import { type Finding, finding, type Place } from '../base/index.ts';

/** Of more problems than this the first are kept: one damaged table makes thousands. */
const MOST = 64;

/** What is wrong with the debug data of a file, in the order in which it was met; each is told once. */
export class Problems {
  readonly list: Finding[] = [];
  readonly #told = new Set<string>();

  /** `offset` in bytes from the start of `section`. */
  add(message: string, section: string, offset?: number): void {
    const key = `${message}\0${section}\0${offset ?? ''}`;
    if (this.list.length >= MOST || this.#told.has(key)) return;
    this.#told.add(key);
    const where: Place = offset === undefined ? { section } : { section, offset };
    this.list.push(finding('debug-data', { message, where }));
  }
}
