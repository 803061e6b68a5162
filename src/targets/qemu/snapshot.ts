import { closeSync, copyFileSync, existsSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { XspliceError } from '../../base/index.ts';
import {
  cacheFolder,
  type Environment,
  fillCache,
  interrupted,
  prune,
  readStamp,
  runTool,
  sha256,
  throwIfInterrupted,
  touch,
} from '../../system/index.ts';
import { AGENTS } from '../agent/agent.generated.ts';
import { machineArguments, RESTORE_ARGUMENTS, SAVE_ARGUMENTS } from './arguments.ts';
import { type Down, environmentFailure, MachineDown } from './down.ts';
import { bootImages, type Images } from './images.ts';
import { debianKernel, type KernelFiles } from './kernel.ts';
import { Machine, type MachineSetup } from './machine.ts';
import { type MachineShape, shapeOf } from './machine-shape.ts';
import { type ArchiveEntry, MODE_FILE, MODE_FOLDER, MODE_PROGRAM, newcArchive } from './newc.ts';
import { DEFAULT_TIMEOUT_MS, type QemuOptions } from './options.ts';
import { MACHINE_FILES } from './platform.ts';
import { PLATFORMS } from './platforms.ts';

/** Bump this when the same files and arguments give a different snapshot. */
const FORMAT = 1;
const PREFIX = 'qemu-snapshot-';
/** Snapshots to keep; each has 50 to 120 MB. */
const KEEP = 6;

/** Time for the end of the boot, so that dom0 is idle in the snapshot. */
const SETTLE_MS = 1500;
/** A restore takes half a second. On a busy machine QEMU sometimes hangs in it; the next attempt works. */
const RESTORE_MS = 20_000;
const RESTORE_ATTEMPTS = 3;

/** A host that was booted once and can be restored any number of times. */
export interface Snapshot {
  readonly folder: string;
  readonly shape: MachineShape;
  readonly images: Images;
}

/** Options after defaults. */
export type SnapshotOptions = QemuOptions & { readonly env: Environment };

/** Returns the snapshot for these options; makes it if the cache lacks it. */
export async function ensureSnapshot(options: SnapshotOptions): Promise<Snapshot> {
  const { env, signal } = options;
  const shape = shapeOf(options);
  const platform = PLATFORMS[shape.arch];
  const version = await runTool(platform.qemu, ['--version'], { env, signal });
  const images = await bootImages(options, platform);
  const kernel = await debianKernel(options, platform.kernel);
  const vmlinuz = readFileSync(kernel.vmlinuz);
  const initrd = initramfs(kernel, AGENTS[shape.arch].program);
  const args = machineArguments(shape);
  const key = sha256(JSON.stringify([FORMAT, version, args, sha256(images.xen), sha256(vmlinuz), sha256(initrd)]));
  const name = `${PREFIX}${key.slice(0, 16)}`;
  const cache = cacheFolder(env);
  const folder = join(cache, name);
  throwIfInterrupted(signal);
  if (whole(folder)) touch(folder);
  else {
    await fillCache(cache, name, async (made) => {
      writeFileSync(join(made, MACHINE_FILES.xen), images.xen);
      copyFileSync(kernel.vmlinuz, join(made, MACHINE_FILES.vmlinuz));
      writeFileSync(join(made, MACHINE_FILES.initrd), initrd);
      await bootAndSave({ program: platform.qemu, folder: made, args }, options);
    });
    prune(cache, PREFIX, KEEP);
  }
  return { folder, shape, images };
}

/** Builds the initramfs: the agent as PID 1, and the modules under the names that it expects. */
function initramfs({ modules }: KernelFiles, agent: string): Uint8Array {
  const folder = (name: string): ArchiveEntry => ({ name, mode: MODE_FOLDER, data: new Uint8Array() });
  return newcArchive([
    folder('dev'),
    folder('sys'),
    folder('mod'),
    { name: 'init', mode: MODE_PROGRAM, data: new Uint8Array(Buffer.from(agent, 'base64')) },
    ...modules.map((path, i) => ({ name: `mod/${i}`, mode: MODE_FILE, data: new Uint8Array(readFileSync(path)) })),
  ]);
}

interface Stamp {
  readonly size: number;
}

function whole(folder: string): boolean {
  const size = statSync(join(folder, MACHINE_FILES.snapshot), { throwIfNoEntry: false })?.size;
  return size !== undefined && readStamp<Stamp>(join(folder, 'stamp.json'))?.size === size;
}

/** Runs `work` on a new machine. Ends the machine if the work fails, times out, or the signal fires. */
async function withMachine<T>(
  setup: Omit<MachineSetup, 'env'>,
  { env, signal }: SnapshotOptions,
  ms: number,
  work: (machine: Machine) => Promise<T>,
): Promise<T> {
  throwIfInterrupted(signal);
  const machine = new Machine({ ...setup, env });
  const stop = (): void => void machine.end({ kind: 'ended', reason: interrupted() });
  signal?.addEventListener('abort', stop);
  try {
    return await machine.within(ms, work(machine));
  } catch (error) {
    await machine.end();
    if (error instanceof MachineDown) throw startFailure(error.down, machine);
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** Returns the error for a host that did not boot. */
function startFailure(down: Down, machine: Machine): XspliceError {
  const why: Partial<Record<Down['kind'], string>> = {
    died: 'the hypervisor panicked during boot',
    reset: 'the machine was reset during boot',
    silent: `the host was not ready within ${Math.round((down.kind === 'silent' ? down.ms : 0) / 1000)} seconds`,
  };
  const message = why[down.kind];
  if (message === undefined) return environmentFailure(down) ?? new XspliceError('ETOOL', 'the host did not boot');
  const tail = machine.serial.tail.filter((line) => line !== '').slice(-20);
  const hint = tail.length === 0 ? 'Its console is empty.' : `The console's last lines:\n${tail.join('\n')}`;
  return new XspliceError('ETOOL', message, hint);
}

async function bootAndSave(setup: Omit<MachineSetup, 'env'>, options: SnapshotOptions): Promise<void> {
  const { folder } = setup;
  const saved = await withMachine(setup, options, options.timeout ?? DEFAULT_TIMEOUT_MS, async (machine) => {
    await machine.qmp.execute('qmp_capabilities');
    await untilReady(machine, options);
    await machine.agent.ping();
    await sleep(SETTLE_MS);
    options.progress?.({ phase: 'save', text: 'the booted host' });
    await machine.qmp.execute('stop');
    await machine.qmp.execute('migrate', SAVE_ARGUMENTS);
    for (;;) {
      const status = await machine.qmp.status('query-migrate');
      if (status === 'completed') break;
      if (status === 'failed')
        throw new XspliceError(
          'ETOOL',
          'QEMU cannot save the snapshot of the booted host',
          'Check for free disk space.',
        );
      await sleep(20);
    }
    return machine;
  });
  await saved.end();
  const stamp: Stamp = { size: statSync(join(folder, MACHINE_FILES.snapshot)).size };
  writeFileSync(join(folder, 'stamp.json'), `${JSON.stringify(stamp)}\n`);
}

async function untilReady(machine: Machine, { progress }: SnapshotOptions): Promise<void> {
  for (let shown = ''; !machine.serial.has('AGENT-READY'); await sleep(50)) {
    machine.check();
    const { tail } = machine.serial;
    const failed = tail.find((line) => line.includes('AGENT-FAILED'));
    if (failed !== undefined) throw new XspliceError('ETOOL', `dom0 failed to start the agent: ${failed}`);
    const last = tail.findLast((line) => line !== '') ?? '';
    if (last !== shown) progress?.({ phase: 'boot', text: last });
    shown = last;
  }
}

/** Restores a machine from the snapshot and waits until its agent answers. `scratch` is an open file for it. */
export async function restoreMachine(from: Snapshot, options: SnapshotOptions, scratch: number): Promise<Machine> {
  const { folder, shape } = from;
  options.progress?.({ phase: 'restore', text: basename(folder) });
  const limit = Math.min(RESTORE_MS, options.timeout ?? DEFAULT_TIMEOUT_MS);
  for (let attempt = 1; ; attempt++) {
    try {
      return await restoreOnce(
        { program: PLATFORMS[shape.arch].qemu, folder, args: machineArguments(shape), scratch },
        options,
        limit,
      );
    } catch (error) {
      const mayWork = error instanceof XspliceError && error.code === 'ETOOL' && options.signal?.aborted !== true;
      if (!mayWork || attempt === RESTORE_ATTEMPTS) {
        // Remove a snapshot that cannot be restored.
        if (mayWork && existsSync(folder)) rmSync(folder, { recursive: true, force: true });
        throw error;
      }
    }
  }
}

async function restoreOnce(
  without: Omit<MachineSetup, 'env' | 'snapshot'>,
  options: SnapshotOptions,
  ms: number,
): Promise<Machine> {
  const snapshot = openSync(join(without.folder, MACHINE_FILES.snapshot), 'r');
  const setup = { ...without, args: [...without.args, ...RESTORE_ARGUMENTS], snapshot };
  try {
    return await withMachine(setup, options, ms, async (machine) => {
      const { qmp, agent } = machine;
      await qmp.execute('qmp_capabilities');
      while ((await qmp.status('query-status')) === 'inmigrate') await sleep(10);
      await qmp.execute('cont');
      await agent.ping();
      return machine;
    });
  } finally {
    closeSync(snapshot);
  }
}
