import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, type Environment, privateFolder, sha256 } from '../../system/index.ts';
import type { FilesRead, Outcome } from './outcome.ts';

/** Bump this when the meaning of stored data changes. */
const FORMAT = 'compiled-1';

/** Maximum bytes to keep; the least recently used go first. */
const MOST_BYTES = 512 * 1024 * 1024;

/** Identifies a file's contents before or after the change; `null` if it does not exist. */
export type ContentOf = (path: string, side: 'before' | 'after') => string | null;

interface Entry {
  readonly files: FilesRead;
  /** Hash of all these files. */
  readonly state: string;
  readonly kind: 'same' | 'pair';
  /** Bytes of each object that follows; -1 for none. */
  readonly orig: number;
  readonly patched: number;
}

/**
 * Caches outcomes by command, compiler and names of the changed files. An entry is valid while every file that it was made from is
 * unchanged.
 * If the folder is unusable, nothing is found or stored.
 */
export class OutcomeCache {
  readonly #folder: string;
  readonly #contentOf: ContentOf;
  #written = false;

  constructor(env: Environment, contentOf: ContentOf) {
    this.#folder = join(cacheFolder(env), FORMAT);
    this.#contentOf = contentOf;
  }

  /** Returns the cache path. `parts` is everything that determines the outcome, except file contents. */
  key(parts: readonly unknown[]): string {
    return sha256(JSON.stringify(parts));
  }

  find(key: string): Outcome | undefined {
    const file = join(this.#folder, key);
    try {
      const bytes = readFileSync(file);
      const end = bytes.indexOf(10);
      const entry = JSON.parse(bytes.toString('utf8', 0, end)) as Entry;
      if (entry.state !== this.#stateOf(entry.files)) return undefined;
      const now = new Date();
      utimesSync(file, now, now);
      if (entry.kind === 'same') return { kind: 'same' };
      const start = end + 1;
      const middle = start + Math.max(0, entry.orig);
      if (bytes.length !== middle + Math.max(0, entry.patched)) return undefined;
      const orig = entry.orig < 0 ? null : new Uint8Array(bytes.subarray(start, middle));
      return { kind: 'pair', orig, patched: entry.patched < 0 ? null : new Uint8Array(bytes.subarray(middle)) };
    } catch {
      // Missing or incomplete: make it again.
      return undefined;
    }
  }

  /** Stores an outcome, but no problems: they are checked again. */
  keep(key: string, outcome: Outcome, files: FilesRead): void {
    if (outcome.kind === 'problem') return;
    const pair = outcome.kind === 'pair' ? outcome : { orig: null, patched: null };
    const entry: Entry = {
      files,
      state: this.#stateOf(files),
      kind: outcome.kind,
      orig: pair.orig?.length ?? -1,
      patched: pair.patched?.length ?? -1,
    };
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      const work = privateFolder(join(this.#folder, 'new-'));
      try {
        const made = join(work.path, 'made');
        const line = `${JSON.stringify(entry)}\n`;
        writeFileSync(made, Buffer.concat([Buffer.from(line), pair.orig ?? EMPTY, pair.patched ?? EMPTY]));
        renameSync(made, join(this.#folder, key));
        this.#written = true;
      } finally {
        work.remove();
      }
    } catch {
      // A full or read-only cache only costs time.
    }
  }

  /** Removes entries beyond the limit. */
  prune(mostBytes: number = MOST_BYTES): void {
    if (!this.#written) return;
    try {
      const files = readdirSync(this.#folder)
        .filter((name) => !name.startsWith('new-'))
        .map((name) => ({ name, stat: statSync(join(this.#folder, name)) }))
        .sort((a, b) => b.stat.mtimeMs - a.stat.mtimeMs);
      let total = 0;
      for (const { name, stat } of files) {
        total += stat.size;
        if (total > mostBytes) rmSync(join(this.#folder, name), { force: true });
      }
    } catch {
      // Another process also prunes.
    }
  }

  #stateOf({ before, after }: FilesRead): string {
    const texts = [
      ...before.map((path) => this.#contentOf(path, 'before')),
      ...after.map((path) => this.#contentOf(path, 'after')),
    ];
    return sha256(texts.map((text) => text ?? '-').join('\n'));
  }
}

const EMPTY = new Uint8Array(0);
