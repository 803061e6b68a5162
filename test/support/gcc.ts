import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file that a tool reads: its name in the tool's directory, and its contents. */
export type ToolFiles = Readonly<Record<string, string | Uint8Array>>;

export interface ToolResult {
  readonly stdout: string;
  /** Reads a file that the tool has made. */
  read(name: string): Uint8Array;
}

/**
 * Runs `tool` in a private directory that holds `files`, hands its outcome to `use`, and removes the directory. Throws
 * with the tool's stderr where it fails.
 */
export function withTool<T>(
  tool: string,
  args: readonly string[],
  files: ToolFiles,
  use: (result: ToolResult) => T,
): T {
  const directory = mkdtempSync(join(tmpdir(), 'xsplice-test-'));
  try {
    for (const [name, contents] of Object.entries(files)) writeFileSync(join(directory, name), contents);
    const stdout = execFileSync(tool, args, {
      cwd: directory,
      encoding: 'latin1',
      maxBuffer: 256 << 20,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Tools print in the user's language otherwise.
      env: { ...process.env, LC_ALL: 'C' },
    });
    return use({ stdout, read: (name) => new Uint8Array(readFileSync(join(directory, name))) });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** An object file from C; `flags` are gcc's (`-O2`, `-m32`). Nothing is optimised and nothing added unless asked for. */
export const compileC = (source: string, flags: readonly string[] = []): Uint8Array =>
  withTool(
    'gcc',
    ['-c', '-ffreestanding', '-fno-asynchronous-unwind-tables', ...flags, '-o', 'out.o', 'source.c'],
    { 'source.c': source },
    ({ read }) => read('out.o'),
  );

/** An object file from assembly; `flags` are those of `as` (`--32`). */
export const assemble = (source: string, flags: readonly string[] = []): Uint8Array =>
  withTool('as', [...flags, '-o', 'out.o', 'source.s'], { 'source.s': source }, ({ read }) => read('out.o'));

/** Compiles a C program for this machine, runs it with `args`, and gives what it prints. */
export const runC = (source: string, args: readonly string[] = []): string =>
  withTool(
    'sh',
    ['-c', 'gcc -O1 -o ./program program.c && exec ./program "$@"', 'sh', ...args],
    { 'program.c': source },
    ({ stdout }) => stdout,
  );

/** `ld FLAGS a.o b.o …`: with `-r` one object from several, without it an executable. */
export function link(objects: readonly Uint8Array[], flags: readonly string[]): Uint8Array {
  const files = Object.fromEntries(objects.map((bytes, i) => [`in${i}.o`, bytes]));
  return withTool('ld', [...flags, '-o', 'out', ...Object.keys(files)], files, ({ read }) => read('out'));
}

/** `objcopy FLAGS`: the file it makes. */
export const objcopy = (bytes: Uint8Array, flags: readonly string[]): Uint8Array =>
  withTool('objcopy', [...flags, 'in', 'out'], { in: bytes }, ({ read }) => read('out'));

/** What `readelf FLAGS` prints. */
export const readelf = (bytes: Uint8Array, flags: readonly string[]): string =>
  withTool('readelf', [...flags, 'in'], { in: bytes }, ({ stdout }) => stdout);

/** What `nm FLAGS` prints, by lines. */
export const nm = (bytes: Uint8Array, flags: readonly string[] = []): string[] =>
  withTool('nm', [...flags, 'in'], { in: bytes }, ({ stdout }) => stdout.split('\n').filter((line) => line !== ''));
