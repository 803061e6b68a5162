import { basename, dirname, join, normalize } from 'node:path';
import type { SimpleCommand } from './shell-words.ts';

/** A compiler call that makes one object or generated text from one source. */
export interface CompileCall {
  readonly program: string;
  /** The arguments, as the compiler receives them. */
  readonly args: readonly string[];
  /** The source, as named in the call. */
  readonly source: string;
  /** The output file, as named in the call. */
  readonly output: string;
}

/** The command of one object of the hypervisor. */
export interface ObjectCommand extends CompileCall {
  /** The object's path from the build folder: `common/domctl.o`. */
  readonly object: string;
  /** The compiler's working folder, from the build folder; empty for the build folder itself. */
  readonly folder: string;
  /** Did objcopy then set the FILE symbol to the source's path (CONFIG_ENFORCE_UNIQUE_SYMBOLS)? */
  readonly renamed: boolean;
  /** Files that it was compiled from, under the compiler's names; `undefined` if unknown. */
  readonly dependencies: readonly string[] | undefined;
}

/** Programs that run their first argument. */
const WRAPPERS = /^(ccache|distcc|livepatch-gcc)$/;

const COMPILERS = /^(?:[\w.]+-)*(?:gcc|clang|cc)(?:-[\d.]+)?$/;

/**
 * Options that make a compiler run, load or write other files. We only read a tree, so they are refused in its commands; Xen uses
 * none of them.
 */
const REFUSED =
  /^(?:@|-wrapper|-fplugin|-Xclang$|-load$|-specs|--specs|-B|-save-temps|--save-temps|-fprofile-|-ftest-coverage|--coverage|-fdump|-dumpdir|-aux|-gsplit-dwarf|-fuse-ld|-Wp,|-Xassembler|-Wa,(?:.*,)?(?:-a|-o|-MD|--MD)|-M$|-MM$|-MG$|-o.)/;

/** Options of Xen's commands with their value in the next word. */
const WITH_VALUE = new Set([
  '-include',
  '-imacros',
  '-MF',
  '-MQ',
  '-MT',
  '-o',
  '-x',
  '-I',
  '-D',
  '-U',
  '-iquote',
  '-idirafter',
  '-isystem',
  '--param',
  '-target',
]);

/** Why a command cannot be reused. */
export interface NotFollowed {
  readonly reason: string;
}

/** Parses one compiler call: `-c` for an object, or `-E`. */
export function readCompileCall({ words, plain }: SimpleCommand): CompileCall | NotFollowed {
  const programs = [...words];
  while (programs.length > 1 && WRAPPERS.test(basename(programs[0] as string))) programs.shift();
  const [program = '', ...args] = programs;
  if (!COMPILERS.test(basename(program))) return { reason: `unknown compiler ${program}` };
  if (program.includes('/') && !program.startsWith('/'))
    return { reason: `the compiler ${program} is inside the tree` };
  if (!plain) return { reason: 'its command uses shell syntax' };
  const refused = args.find((arg) => REFUSED.test(arg));
  if (refused !== undefined) return { reason: `its command has the option ${refused}` };
  const sources: string[] = [];
  let output: string | undefined;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === '-o') output = args[i + 1];
    if (WITH_VALUE.has(arg)) i++;
    else if (!arg.startsWith('-')) sources.push(arg);
  }
  const [source] = sources;
  if (source === undefined || sources.length !== 1) return { reason: `its command has ${sources.length} sources` };
  if (output === undefined) return { reason: 'its command has no output file' };
  if (!args.includes('-c') && !args.includes('-E')) return { reason: 'its command does not make an object' };
  return { program, args, source, output };
}

/** Is this the folder's `.X.o.tmp`, from which objcopy makes `X.o`? */
export function finalObject(output: string): { object: string; renamed: boolean } {
  const temporary = /^\.(.+\.o)\.tmp$/.exec(basename(output));
  if (temporary === null) return { object: normalize(output), renamed: false };
  return { object: join(dirname(output), temporary[1] as string), renamed: true };
}
