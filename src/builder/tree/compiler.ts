import { realpathSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import type { Environment } from '../../system/index.ts';
import type { ObjectCommand } from './object-command.ts';

/**
 * Variables that change what a compiler reads or writes, beside its command; the build had its own. Language and what a
 * `make` around us says are not for a compiler either.
 */
const UNSET: Environment = {
  CPATH: undefined,
  C_INCLUDE_PATH: undefined,
  DEPENDENCIES_OUTPUT: undefined,
  SUNPRO_DEPENDENCIES: undefined,
  GCC_COMPARE_DEBUG: undefined,
  COMPILER_PATH: undefined,
  GCC_EXEC_PREFIX: undefined,
  MAKEFLAGS: undefined,
  MAKELEVEL: undefined,
  MFLAGS: undefined,
};

/** The environment that compilers run in. */
export const compilerEnvironment = (env: Environment): Environment => ({ ...env, ...UNSET });

/** The objcopy that belongs to a compiler: `aarch64-linux-gnu-gcc-12` → `aarch64-linux-gnu-objcopy`. */
export function objcopyOf(program: string): string {
  const name = basename(program).replace(/(?:gcc|clang|cc)(?:-[\d.]+)?$/, 'objcopy');
  return program.includes('/') ? join(dirname(program), name) : name;
}

/** What tells one compiler from another without running it: the file that PATH finds, its size and when it was made. */
export function compilerIdentity(program: string, env: Environment): string {
  const folders = program.includes('/') ? [''] : (env['PATH'] ?? '').split(delimiter);
  for (const folder of folders) {
    const stat = statSync(join(folder, program), { throwIfNoEntry: false });
    if (stat === undefined) continue;
    const path = realpathSync(join(folder, program));
    return `${path} ${stat.size} ${stat.mtimeMs}`;
  }
  return program;
}

/** Does a command say how much debug data to make? */
export const hasDebug = (args: readonly string[]): boolean => args.some((arg) => /^-g(?:\d|gdb|dwarf|$)/.test(arg));

/** Does a command give each function and each variable a section of its own? */
export const splitsSections = (args: readonly string[]): boolean =>
  args.includes('-ffunction-sections') && args.includes('-fdata-sections');

const isC = ({ source }: ObjectCommand): boolean => source.endsWith('.c');

/** What is added to a command of the tree. */
export function addedOptions(command: ObjectCommand, debugInfo: boolean, split: boolean): readonly string[] {
  return [
    ...(debugInfo && !hasDebug(command.args) ? ['-g'] : []),
    ...(split && isC(command) && !splitsSections(command.args) ? ['-ffunction-sections', '-fdata-sections'] : []),
  ];
}

/**
 * Options that keep the place of the working copy out of an object: debug data names files from the top of the tree, and
 * `__FILE__` is what it was in the build, where that had the tree's absolute path.
 */
export function placeOptions(root: string, top: string, absolute: boolean): readonly string[] {
  return [`-fdebug-prefix-map=${root}/=`, ...(absolute ? [`-fmacro-prefix-map=${root}/=${top}/`] : [])];
}
