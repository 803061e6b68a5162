import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { XspliceError } from '../../base/index.ts';
import { runTool, type ToolOptions } from '../../system/index.ts';
import { readDependencyFile } from './command-file.ts';
import { compilerEnvironment, objcopyOf, placeOptions } from './compiler.ts';
import type { ObjectCommand } from './object-command.ts';
import { fileSymbolOf } from './same-object.ts';
import { type CompilerPlace, folderOf } from './working-copy.ts';

/** What a compiler made. */
export interface Compiled {
  readonly kind: 'compiled';
  readonly bytes: Uint8Array;
  /** The files that it read, as it named them, where asked for. */
  readonly dependencies: readonly string[];
}

/** A compiler that refused the source. */
export interface CompileErrors {
  readonly kind: 'errors';
  /** `file:line` of the first one; `null` where it names no place. */
  readonly place: string | null;
  /** The first lines that it printed. */
  readonly lines: readonly string[];
}

/** Where and how to run compilers. */
export interface CompilerRun {
  readonly place: CompilerPlace;
  /** The tree's own top, which the working copy stands for. */
  readonly top: string;
  /** A private folder for what is written. */
  readonly output: string;
  readonly tool: ToolOptions;
}

/** Longest that one file may take to compile; Xen's slowest takes ten seconds. */
const MOST_MS = 10 * 60_000;

/** Lines of a compiler's complaint that are told. */
const MOST_LINES = 6;

/** What to write: an object, the preprocessed text, or assembly. */
export type Product = 'object' | 'text' | 'assembly';

let count = 0;

/**
 * Compiles one object's source in a working copy with the command that the tree was built with. `renamedTo` is the name to
 * give its FILE symbol, as the build did with objcopy.
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

/** Options of which the value, in the next word, is ours. */
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
    // What is only for the assembler, or the order of rules for make, says nothing to a preprocessor.
    else if (!/^-(?:MMD|MD|MP)$/.test(arg) && !(product !== 'object' && arg.startsWith('-Wa,'))) {
      const mapped = run.place.mapped(arg);
      absolute ||= mapped !== arg;
      args.push(mapped);
    }
  }
  return [...args, '-MMD', '-MF', dependencies, ...placeOptions(run.place.root, run.top, absolute), '-o', output];
}

/** Gives the FILE symbol the name that it has in the build (cmd_objcopy_fix_sym of xen/Rules.mk). */
async function renameFile(file: string, name: string, compiler: string, tool: ToolOptions): Promise<void> {
  const own = fileSymbolOf(readFileSync(file));
  if (own === undefined || own === name) return;
  await runTool(objcopyOf(compiler), [`--redefine-sym=${own}=${name}`, file], tool);
}

/** The complaint with the working copy's place taken out. */
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
