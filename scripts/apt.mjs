// Installs the tools that the tests need, with Debian's package manager.
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { output, run, StepError } from './steps.mjs';

/** Tools and their Debian packages. */
const TOOLS = {
  gcc: 'gcc',
  clang: 'clang',
  as: 'binutils',
  ld: 'binutils',
  nm: 'binutils',
  objcopy: 'binutils',
  objdump: 'binutils',
  readelf: 'binutils',
  strip: 'binutils',
  xz: 'xz-utils',
  gzip: 'gzip',
  dpkg: 'dpkg',
  'apt-get': 'apt',
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-system-aarch64': 'qemu-system-arm',
  'aarch64-linux-gnu-gcc': 'gcc-aarch64-linux-gnu',
  'arm-linux-gnueabihf-gcc': 'gcc-arm-linux-gnueabihf',
  'dpkg-source': 'dpkg-dev',
  make: 'make',
  flex: 'flex',
  bison: 'bison',
  python3: 'python3',
  patch: 'patch',
};

/** Libraries loaded at run time, and their Debian packages. */
const LIBRARIES = { 'libunicorn.so.2': 'libunicorn2' };

/** Debian's library folders on x86-64. */
const LIBRARY_FOLDERS = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib', '/usr/local/lib'];

/** The package that brings a tool or a library. @type {Readonly<Record<string, string>>} */
const PACKAGES = { ...TOOLS, ...LIBRARIES };

/**
 * Finds a program on PATH.
 *
 * @param {string} program
 */
function which(program) {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

/**
 * Is a library in one of these folders?
 *
 * @param {string} name
 */
const hasLibrary = (name) => LIBRARY_FOLDERS.some((folder) => existsSync(join(folder, name)));

/** Returns the missing tools and libraries. */
export const missingTools = () => [
  ...Object.keys(TOOLS).filter((tool) => which(tool) === undefined),
  ...Object.keys(LIBRARIES).filter((library) => !hasLibrary(library)),
];

/** Returns the prefix of a root command: nothing, or sudo; `undefined` if we cannot become root. */
function asRoot() {
  if (process.getuid?.() === 0) return [];
  return output('sudo', ['-n', 'true']) === undefined ? undefined : ['sudo', '-n'];
}

/**
 * Runs apt-get as root, quietly.
 *
 * @param {readonly string[]} args
 */
function aptGet(args) {
  const command = [...(asRoot() ?? []), 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...args];
  return run(/** @type {string} */ (command[0]), command.slice(1), { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Fetches package lists if there are none; without them apt-get finds nothing. */
export function ensureLists() {
  const folder = '/var/lib/apt/lists';
  if (existsSync(folder) && readdirSync(folder).some((name) => name.includes('_Packages'))) return;
  if (asRoot() === undefined) throw new StepError('There are no package lists here. Run: sudo apt-get update');
  if (aptGet(['update']) !== 0) throw new StepError('`apt-get update` failed. Is a package mirror reachable?');
}

/** Installs the missing tools if possible; otherwise says which are missing and how to install them. */
export function ensureTools() {
  const missing = missingTools();
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((tool) => PACKAGES[tool]))];
  const names = `Missing here: ${missing.join(', ')}.`;
  if (missing.includes('apt-get')) {
    throw new StepError(`${names} The tests need them, on Debian or Ubuntu: packages ${packages.join(', ')}.`);
  }
  const line = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (asRoot() === undefined) throw new StepError(`${names} Run: sudo ${line}`);
  process.stdout.write(`${names} Running: ${line}\n`);
  ensureLists();
  // Lists older than the mirror name packages that no longer exist.
  const install = line.split(' ').slice(1);
  if (aptGet(install) !== 0 && (aptGet(['update']) !== 0 || aptGet(install) !== 0)) {
    throw new StepError(`That failed. ${names} They are in the packages ${packages.join(', ')}.`);
  }
  const still = missingTools();
  if (still.length !== 0) throw new StepError(`Still missing after the installation: ${still.join(', ')}.`);
}
