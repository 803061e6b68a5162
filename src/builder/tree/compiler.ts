import { realpathSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import type { Environment } from '../../system/index.ts';
import type { ObjectCommand } from './object-command.ts';

/**
 * Variables that affect a compiler besides its command; the build had its own. Also excludes the language and a surrounding `make`'s
 * variables.
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

/** Returns the environment for compilers. */
export const compilerEnvironment = (env: Environment): Environment => ({ ...env, ...UNSET });

/** Returns the objcopy of a compiler: `aarch64-linux-gnu-gcc-12` → `aarch64-linux-gnu-objcopy`. */
export function objcopyOf(program: string): string {
  const name = basename(program).replace(/(?:gcc|clang|cc)(?:-[\d.]+)?$/, 'objcopy');
  return program.includes('/') ? join(dirname(program), name) : name;
}

/** Identifies a compiler without running it: the file on PATH, its size and time. */
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

/** Does a command set the amount of debug data? */
export const hasDebug = (args: readonly string[]): boolean => args.some((arg) => /^-g(?:\d|gdb|dwarf|$)/.test(arg));

/** Does a command give each function and variable its own section? */
export const splitsSections = (args: readonly string[]): boolean =>
  args.includes('-ffunction-sections') && args.includes('-fdata-sections');

const isC = ({ source }: ObjectCommand): boolean => source.endsWith('.c');

/** Returns the options to add to a tree's command. */
export function addedOptions(command: ObjectCommand, debugInfo: boolean, split: boolean): readonly string[] {
  return [
    ...(debugInfo && !hasDebug(command.args) ? ['-g'] : []),
    ...(split && isC(command) && !splitsSections(command.args) ? ['-ffunction-sections', '-fdata-sections'] : []),
  ];
}

/**
 * Returns options that keep the working copy's path out of an object: debug data names files from the top of the tree, and
 * `__FILE__` is as in the build, if that had the tree's absolute path.
 */
export function placeOptions(root: string, top: string, absolute: boolean): readonly string[] {
  return [`-fdebug-prefix-map=${root}/=`, ...(absolute ? [`-fmacro-prefix-map=${root}/=${top}/`] : [])];
}
