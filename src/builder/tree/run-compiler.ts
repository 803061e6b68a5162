import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { XspliceError } from '../../base/index.ts';
import { runTool, type ToolOptions } from '../../system/index.ts';
import { readDependencyFile } from './command-file.ts';
import { compilerEnvironment, objcopyOf, placeOptions } from './compiler.ts';
import type { ObjectCommand } from './object-command.ts';
import { fileSymbolOf } from './same-object.ts';
import { type CompilerPlace, folderOf } from './working-copy.ts';

/** Output of a compiler. */
export interface Compiled {
  readonly kind: 'compiled';
  readonly bytes: Uint8Array;
  /** Files that it read, under its names, if requested. */
  readonly dependencies: readonly string[];
}

/** Errors of a compiler. */
export interface CompileErrors {
  readonly kind: 'errors';
  /** `file:line` of the first error; `null` if it names none. */
  readonly place: string | null;
  /** The first lines of output. */
  readonly lines: readonly string[];
}

/** Where and how to run compilers. */
export interface CompilerRun {
  readonly place: CompilerPlace;
  /** The tree's own top, which the working copy replaces. */
  readonly top: string;
  /** A private folder for output. */
  readonly output: string;
  readonly tool: ToolOptions;
}

/** Time limit per file; Xen's slowest takes ten seconds. */
const MOST_MS = 10 * 60_000;

/** Maximum lines of an error to report. */
const MOST_LINES = 6;

/** Output kind: an object, preprocessed text, or assembly. */
export type Product = 'object' | 'text' | 'assembly';

let count = 0;

/**
 * Compiles one source in a working copy with the tree's own command. Sets the FILE symbol to `renamedTo`, as the build did with
 * objcopy.
 */
export async function runCompiler(
  run: CompilerRun,
  command: ObjectCommand,
  added: readonly string[],
  product: Product = 'object',
  renamedTo?: string,
): Promise<Compiled | CompileErrors> {
  const output = join(run.output, `${++count}.out`);
  const dependencies = `${output}.d`;
  const args = [...argsFor(run, command, product, output, dependencies), ...added];
  let stderr = '';
  const tool: ToolOptions = {
    ...run.tool,
    env: compilerEnvironment(run.tool.env),
    cwd: folderOf(run.place, command),
    timeout: MOST_MS,
    onError: (text) => {
      if (stderr.length < 100_000) stderr += text;
    },
  };
  try {
    await runTool(command.program, args, tool);
  } catch (error) {
    const reported = stderr.trim() !== '' && error instanceof XspliceError && error.code === 'ETOOL';
    if (!reported || run.tool.signal?.aborted === true) throw error;
    return compileErrors(stderr, run.place.root);
  }
  if (product === 'object' && renamedTo !== undefined) await renameFile(output, renamedTo, command.program, tool);
  const compiled: Compiled = {
    kind: 'compiled',
    bytes: new Uint8Array(readFileSync(output)),
    dependencies: readDependencyFile(readFileSync(dependencies, 'latin1')),
  };
  // The folder may be in memory.
  for (const file of [output, dependencies]) rmSync(file);
  return compiled;
}

/** Options whose value, in the next word, we replace. */
const REPLACED = new Set(['-o', '-MF']);

function argsFor(
  run: CompilerRun,
  command: ObjectCommand,
  product: Product,
  output: string,
  dependencies: string,
): readonly string[] {
  const args: string[] = [];
  let absolute = false;
  for (let i = 0; i < command.args.length; i++) {
    const arg = command.args[i] as string;
    if (REPLACED.has(arg)) i++;
    else if (arg === '-c' && product !== 'object') args.push(product === 'text' ? '-E' : '-S');
    // The preprocessor ignores assembler options and make rules.
    else if (!/^-(?:MMD|MD|MP)$/.test(arg) && !(product !== 'object' && arg.startsWith('-Wa,'))) {
      const mapped = run.place.mapped(arg);
      absolute ||= mapped !== arg;
      args.push(mapped);
    }
  }
  return [...args, '-MMD', '-MF', dependencies, ...placeOptions(run.place.root, run.top, absolute), '-o', output];
}

/** Gives the FILE symbol its name from the build (cmd_objcopy_fix_sym of xen/Rules.mk). */
async function renameFile(file: string, name: string, compiler: string, tool: ToolOptions): Promise<void> {
  const own = fileSymbolOf(readFileSync(file));
  if (own === undefined || own === name) return;
  await runTool(objcopyOf(compiler), [`--redefine-sym=${own}=${name}`, file], tool);
}

/** Removes the working copy's path from the errors. */
function compileErrors(text: string, root: string): CompileErrors {
  const lines = text
    .replaceAll(`${root}/`, '')
    .split('\n')
    .map((line) => line.trimEnd());
  const error = lines.find((line) => /\berror:/i.test(line)) ?? lines.find((line) => line !== '') ?? '';
  const place = /^([^\s:]+:\d+)(?::\d+)?: /.exec(error)?.[1] ?? null;
  const start = Math.max(0, lines.indexOf(error));
  return { kind: 'errors', place, lines: lines.slice(start, start + MOST_LINES).filter((line) => line !== '') };
}
