/**
 * Runs programs of this machine in dom0 of Debian's Xen: node, the built package, and Debian's `xen-livepatch`. One boot
 * runs a list of commands and ends.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { atExit, cacheFolder, fillCache, runTool } from '../../../src/system/index.ts';
import { machineArguments } from '../../../src/targets/qemu/arguments.ts';
import { bootImages } from '../../../src/targets/qemu/images.ts';
import { debianKernel } from '../../../src/targets/qemu/kernel.ts';
import {
  type ArchiveEntry,
  MODE_FILE,
  MODE_FOLDER,
  MODE_PROGRAM,
  newcArchive,
} from '../../../src/targets/qemu/newc.ts';
import { download } from '../../../src/targets/qemu/packages.ts';
import { MACHINE_FILES } from '../../../src/targets/qemu/platform.ts';
import { PLATFORM_X86_64 } from '../../../src/targets/qemu/platform-x86_64.ts';
import { root } from '../../support/examples.ts';

/** Actions in dom0: those that are given, in this order. */
export interface Dom0Command {
  /** A kernel module to insert. */
  readonly insmod?: string;
  /** A path to hide while the program runs. */
  readonly hide?: string;
  /** User id; root by default. */
  readonly uid?: number;
  /** Added to the environment, which otherwise has only a PATH. */
  readonly env?: Readonly<Record<string, string>>;
  /** A program and its arguments. Runs in `/t`, with the files. */
  readonly run?: readonly string[];
}

export interface Dom0Result {
  readonly status: number | null;
  /** One character per byte. */
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
  /** `/sys/hypervisor/version/extra` afterwards. */
  readonly extra: string;
}

export const XEN_LIVEPATCH = '/bin/xen-livepatch';
export const PRIVCMD_MODULE = '/mod/xen-privcmd.ko';
/** Debian's folder of libraries, in dom0. */
export const LIBRARIES = '/lib/x86_64-linux-gnu';
export const KOFFI = '/app/node_modules/koffi';
/** The built program, as `node PROGRAM ARGS`. */
export const XSPLICE: readonly string[] = ['/bin/node', '/app/bin/xsplice.js'];

const PACKAGES = [
  'xen-utils-4.17',
  'libxenmisc4.17',
  'libxencall1',
  'libxendevicemodel1',
  'libxenevtchn1',
  'libxenforeignmemory1',
  'libxengnttab1',
  'libxentoolcore1',
  'libxentoollog1',
];
const UTILS_FOLDER = 'debian-xen-utils-4.17-amd64';

/** Returns `xen-livepatch` and its libraries, and fetches them if not cached. */
async function xenUtils(): Promise<string> {
  const { env } = process;
  const cache = cacheFolder(env);
  if (readdirIfThere(join(cache, UTILS_FOLDER)).includes('usr')) return join(cache, UTILS_FOLDER);
  return fillCache(cache, UTILS_FOLDER, async (made) => {
    const debs = join(made, 'debs');
    for (const deb of await download({ env }, PACKAGES, debs)) await runTool('dpkg-deb', ['-x', deb, made], { env });
    rmSync(debs, { recursive: true });
  });
}

/** Debian's `libxenctrl.so.4.17`. */
export const libxenctrl = async (): Promise<Uint8Array> =>
  read(join(await xenUtils(), 'usr/lib/x86_64-linux-gnu/libxenctrl.so.4.17'));

function readdirIfThere(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Returns the shared objects that a program or library needs, including the loader. */
function sharedObjects(path: string, folder = ''): string[] {
  const output = execFileSync('ldd', [path], { encoding: 'utf8', env: { ...process.env, LD_LIBRARY_PATH: folder } });
  return [...output.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, found = '']) => found);
}

const LOADER = /^ld-linux/;

const file = (name: string, data: Uint8Array | string, mode = MODE_FILE): ArchiveEntry => ({
  name,
  mode,
  data: typeof data === 'string' ? new Uint8Array(Buffer.from(data)) : data,
});

const read = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

/** Returns a folder of this machine with all its contents. */
function tree(from: string, to: string): ArchiveEntry[] {
  const names = readdirSync(from, { recursive: true, encoding: 'utf8' });
  return names.flatMap((name) => {
    const path = join(from, name);
    return statSync(path).isFile() ? [file(`${to}/${name}`, read(path))] : [];
  });
}

/** Returns the parent folders of files, outermost first: an archive must list them. */
function folders(entries: readonly ArchiveEntry[]): ArchiveEntry[] {
  const found = new Set<string>();
  for (const { name } of entries) {
    const parts = dirname(name).split('/');
    for (let i = 1; i <= parts.length; i++) if (parts[0] !== '.') found.add(parts.slice(0, i).join('/'));
  }
  return [...found].sort().map((name) => ({ name, mode: MODE_FOLDER, data: new Uint8Array() }));
}

async function initramfs(
  commands: readonly Dom0Command[],
  files: Readonly<Record<string, Uint8Array>>,
): Promise<Uint8Array> {
  const utils = await xenUtils();
  const { modules } = await debianKernel({ env: process.env }, PLATFORM_X86_64.kernel);
  const libraries = join(utils, 'usr/lib/x86_64-linux-gnu');
  const xenLivepatch = join(utils, 'usr/lib/xen-4.17/bin/xen-livepatch');
  const objects = new Set([...sharedObjects(process.execPath), ...sharedObjects(xenLivepatch, libraries)]);
  const init = fileURLToPath(new URL('dom0-init.cjs', import.meta.url));
  const here = relative('/', root);
  const entries = [
    file('init', `#!/bin/node\n${readFileSync(init, 'utf8')}`, MODE_PROGRAM),
    file('commands.json', JSON.stringify(commands)),
    file('bin/node', read(process.execPath), MODE_PROGRAM),
    file('bin/xen-livepatch', read(xenLivepatch), MODE_PROGRAM),
    ...[...objects].map((path) => {
      const folder = LOADER.test(basename(path)) ? 'lib64' : LIBRARIES.slice(1);
      return file(`${folder}/${basename(path)}`, read(path), MODE_PROGRAM);
    }),
    ...modules.slice(0, 1).map((path) => file(PRIVCMD_MODULE.slice(1), read(path))),
    ...['bin', 'dist/cli', 'node_modules/koffi', 'node_modules/@koromix/koffi-linux-x64'].flatMap((name) =>
      tree(join('/', here, name), `app/${name}`),
    ),
    file('app/package.json', read(join(root, 'package.json'))),
    ...Object.entries(files).map(([name, data]) => file(`t/${name}`, data)),
  ];
  const empty = ['proc', 'sys', 'dev'].map((name) => ({ name, mode: MODE_FOLDER, data: new Uint8Array() }));
  return newcArchive([...empty, ...folders(entries), ...entries]);
}

/** Room for node, which is in memory twice while it is unpacked. */
const MEMORY = 1280;
const SERIAL_ONLY = /^(?:-mon|-chardev|-device)$/;

/** Returns QEMU's arguments without the target's sockets. */
function bootArguments(): string[] {
  const args = machineArguments({ arch: 'x86_64', cpu: PLATFORM_X86_64.cpu, smp: 1, memory: MEMORY, loglvl: 'all' });
  return args.filter((arg, i) => !SERIAL_ONLY.test(arg) && !SERIAL_ONLY.test(args[i - 1] ?? ''));
}

/**
 * Boots Debian's Xen and runs the commands in its dom0, with `files` in their working folder. Rejects with the tail of the
 * console if that does not finish in time.
 */
export async function runInDom0(
  commands: readonly Dom0Command[],
  files: Readonly<Record<string, Uint8Array>>,
  timeout: number,
): Promise<Dom0Result[]> {
  const { env } = process;
  const { xen } = await bootImages({ env }, PLATFORM_X86_64);
  const { vmlinuz } = await debianKernel({ env }, PLATFORM_X86_64.kernel);
  const folder = mkdtempSync(join(tmpdir(), 'xsplice-dom0-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    writeFileSync(join(folder, MACHINE_FILES.xen), xen);
    writeFileSync(join(folder, MACHINE_FILES.vmlinuz), readFileSync(vmlinuz));
    writeFileSync(join(folder, MACHINE_FILES.initrd), await initramfs(commands, files));
    return resultsIn(await boot(folder, timeout), commands.length);
  } finally {
    remove();
  }
}

/** Returns all serial output until the machine powers off or times out. */
function boot(folder: string, timeout: number): Promise<string> {
  const child = spawn('qemu-system-x86_64', bootArguments(), { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = (): void => void child.kill('SIGKILL');
  const settled = atExit(kill);
  const timer = setTimeout(kill, timeout);
  let text = '';
  child.stdout.setEncoding('latin1').on('data', (more: string) => {
    text += more;
  });
  child.stderr.setEncoding('latin1').on('data', (more: string) => {
    text += more;
  });
  return new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(text));
  }).finally(() => {
    clearTimeout(timer);
    settled();
  });
}

function resultsIn(console: string, count: number): Dom0Result[] {
  const results: Dom0Result[] = [];
  let text = '';
  for (const line of console.split(/\r*\n/)) {
    if (line.startsWith('@+')) text += line.slice(2);
    else if (line.startsWith('@.')) {
      results.push(JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as Dom0Result);
      text = '';
    }
  }
  if (results.length !== count) {
    const tail = console.split(/\r*\n/).slice(-30).join('\n');
    throw new Error(`dom0 has done ${results.length} of ${count} commands. Its console ends:\n${tail}`);
  }
  return results;
}
