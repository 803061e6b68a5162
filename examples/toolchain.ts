/** Plain gcc, ld and objcopy, told to give the same bytes everywhere: no paths, no dates, no debug information. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const ENVIRONMENT = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };

/** Runs a tool in `cwd`; its diagnostics are in the error where it fails, and dropped where it does not. */
export function run(tool: string, args: readonly string[], cwd: string): void {
  execFileSync(tool, args, { cwd, stdio: 'pipe', env: ENVIRONMENT });
}

export const readBytes = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

/** First lines of `gcc --version` and `ld --version`. */
export function toolVersions(): { gcc: string; ld: string } {
  const first = (tool: string): string => {
    const [line = ''] = execFileSync(tool, ['--version'], { encoding: 'latin1', env: ENVIRONMENT }).split('\n');
    return line.trim();
  };
  return { gcc: first('gcc'), ld: first('ld') };
}

/**
 * Xen's own flags where they matter to a payload or to its loader. -fpic with hidden visibility: no relocation but
 * PC32, PLT32 and 64. No unwind tables: nobody reads them, and they would be loaded. -mmanual-endbr: only functions
 * marked cf_check start with ENDBR64, as since Xen 4.17.
 */
export const CFLAGS: readonly string[] = [
  '-std=gnu11',
  '-O2',
  '-Wall',
  '-Wextra',
  '-ffreestanding',
  '-fpic',
  '-fvisibility=hidden',
  '-fno-common',
  '-fno-stack-protector',
  '-fno-asynchronous-unwind-tables',
  '-fno-jump-tables',
  '-fcf-protection=branch',
  '-mmanual-endbr',
  '-mno-red-zone',
  '-mgeneral-regs-only',
];

/** Compiles or assembles `source`, a name relative to `cwd` so that no path gets into the object. */
export function compile(source: string, object: string, cwd: string, flags: readonly string[]): void {
  run('gcc', [...flags, '-c', source, '-o', object], cwd);
}
