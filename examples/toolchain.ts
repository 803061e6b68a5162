/** Plain gcc, ld and objcopy with reproducible output: no paths, no dates, no debug information. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { ExampleTarget } from './architectures.ts';

const ENVIRONMENT = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };

/** First lines of `gcc --version` and `ld --version`. */
export interface ToolVersions {
  readonly gcc: string;
  readonly ld: string;
}

/** clang is one program for all architectures. */
export type Compiler = 'gcc' | 'clang';

/** The tools of one architecture. */
export interface Toolchain {
  /** Runs a tool in `cwd`. On failure the error has its diagnostics; otherwise they are dropped. */
  run(tool: 'ld' | 'objcopy', args: readonly string[], cwd: string): void;
  /** Compiles or assembles `source`. The name is relative to `cwd`, so that the object contains no path. */
  compile(source: string, object: string, cwd: string, flags: readonly string[], compiler?: Compiler): void;
  versions(): ToolVersions;
}

/** Returns a file's bytes. */
export const readBytes = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

const isMissing = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';

/** Returns the tools with an architecture's prefix. If they are missing, the error names their package. */
export function toolchainOf({ prefix, debianPackage }: Pick<ExampleTarget, 'prefix' | 'debianPackage'>): Toolchain {
  const start = (program: string, args: readonly string[], cwd?: string): string => {
    try {
      return execFileSync(program, args, { cwd, stdio: 'pipe', encoding: 'latin1', env: ENVIRONMENT });
    } catch (error) {
      if (!isMissing(error)) throw error;
      throw new Error(`${program} is missing: it comes with the Debian package ${program === 'clang' ? program : debianPackage}`);
    }
  };
  const first = (tool: string): string => (start(prefix + tool, ['--version']).split('\n')[0] ?? '').trim();
  return {
    run: (tool, args, cwd) => {
      start(prefix + tool, args, cwd);
    },
    compile: (source, object, cwd, flags, compiler = 'gcc') => {
      const [program, ...target] = compiler === 'gcc' ? [`${prefix}gcc`] : ['clang', `--target=${prefix.slice(0, -1) || 'x86_64-linux-gnu'}`];
      start(program, [...target, ...flags, '-c', source, '-o', object], cwd);
    },
    versions: () => ({ gcc: first('gcc'), ld: first('ld') }),
  };
}
