import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Ignores the user's settings, and fixes author and time. */
const ENVIRONMENT = {
  PATH: process.env['PATH'],
  LC_ALL: 'C',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Jürgen Tester',
  GIT_AUTHOR_EMAIL: 'juergen@example.org',
  GIT_AUTHOR_DATE: '2020-02-03T04:05:06Z',
  GIT_COMMITTER_NAME: 'Carol Committer',
  GIT_COMMITTER_EMAIL: 'carol@example.org',
  GIT_COMMITTER_DATE: '2020-02-03T04:05:06Z',
};

/** A temporary folder to run tools in. */
export interface Folder {
  readonly path: string;
  /** Runs a program and returns its output as a byte string. Throws if it fails. */
  run(program: string, ...args: string[]): string;
  /** Does a program succeed? */
  succeeds(program: string, ...args: string[]): boolean;
  git(...args: string[]): string;
  /** Writes byte strings; makes the folders. */
  write(files: Readonly<Record<string, string>>): void;
  read(name: string): string;
  /** Writes files and commits them; `null` removes one. */
  commit(message: string, files: Readonly<Record<string, string | null>>): void;
}

/** Makes a folder, as a git repository if requested, passes it to `use`, and removes it. */
export function inFolder<T>(repository: boolean, use: (folder: Folder) => T): T {
  const path = mkdtempSync(join(tmpdir(), 'xsplice-test-'));
  const run = (program: string, ...args: string[]): string =>
    execFileSync(program, args, { cwd: path, env: ENVIRONMENT, encoding: 'latin1', stdio: ['ignore', 'pipe', 'pipe'] });
  const folder: Folder = {
    path,
    run,
    succeeds: (program, ...args) => {
      try {
        run(program, ...args);
        return true;
      } catch {
        return false;
      }
    },
    git: (...args) => run('git', ...args),
    write: (files) => {
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(join(path, name)), { recursive: true });
        writeFileSync(join(path, name), text, 'latin1');
      }
    },
    read: (name) => readFileSync(join(path, name), 'latin1'),
    commit: (message, files) => {
      for (const [name, text] of Object.entries(files)) {
        if (text === null) rmSync(join(path, name));
        else folder.write({ [name]: text });
      }
      folder.git('add', '-A');
      folder.git('commit', '-q', '-m', message);
    },
  };
  try {
    if (repository) folder.git('init', '-q', '-b', 'main');
    return use(folder);
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

/** A byte string as bytes. */
export const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

/** Text as a byte string of its UTF-8. */
export const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
