import { closeSync, existsSync } from 'node:fs';
import { hex, XspliceError } from '../../base/index.ts';
import { interrupted, namelessFile, throwIfInterrupted } from '../../system/index.ts';
import { releaseOfImage } from '../../xen/index.ts';
import { ConsoleRing, HYPERVISOR_XEN_VERSION } from './console-ring.ts';
import { environmentFailure, MachineDown } from './down.ts';
import { GuestArena } from './guest-arena.ts';
import { LivepatchCalls } from './livepatch-calls.ts';
import type { Machine } from './machine.ts';
import { MemoryReader } from './memory.ts';
import { DEFAULT_CALL_TIMEOUT_MS, type QemuOptions } from './options.ts';
import { PLATFORMS } from './platforms.ts';
import { ensureSnapshot, restoreMachine, type Snapshot, type SnapshotOptions } from './snapshot.ts';
import { type QemuHost, QemuTarget, versionString } from './target.ts';

/** XENVER_*. Source: xen/include/public/version.h. */
const XENVER_VERSION = 0;

/** Starts hosts of one kind, each in its state after boot. */
export interface QemuHosts {
  /** Starts a host in half a second. Several may run at once. */
  start(options?: Pick<QemuOptions, 'signal' | 'progress'>): Promise<QemuTarget>;
}

/**
 * Prepares hosts of one kind: fetches what the cache lacks, then boots one host and takes a snapshot. Throws XspliceError with ETOOL
 * (a program, a download or the boot failed), or EIMAGE or EFILE (the user's hypervisor).
 */
export async function prepareQemu(options: QemuOptions = {}): Promise<QemuHosts> {
  const common: SnapshotOptions = { ...options, env: options.env ?? process.env };
  let snapshot = await ensureSnapshot(common);
  return {
    async start(more = {}) {
      const own = { ...common, ...more };
      try {
        return await startHost(snapshot, own);
      } catch (error) {
        // The snapshot disappeared, or could not be restored: make another.
        if (existsSync(snapshot.folder) || own.signal?.aborted === true) throw error;
        snapshot = await ensureSnapshot(own);
        return startHost(snapshot, own);
      }
    },
  };
}

/** Starts a real hypervisor in QEMU in its state after boot. The caller must close it. */
export async function startQemu(options: QemuOptions = {}): Promise<QemuTarget> {
  return (await prepareQemu(options)).start();
}

async function startHost(snapshot: Snapshot, options: SnapshotOptions): Promise<QemuTarget> {
  const { signal, callTimeout = DEFAULT_CALL_TIMEOUT_MS } = options;
  const scratch = namelessFile(options.env);
  const machine = await restoreMachine(snapshot, options, scratch).catch((error: unknown) => {
    closeSync(scratch);
    throw error;
  });
  const stop = (): void => void machine.end({ kind: 'ended', reason: interrupted() });
  const close = (): void => {
    signal?.removeEventListener('abort', stop);
    closeSync(scratch);
  };
  signal?.addEventListener('abort', stop);
  const { inHypervisor } = PLATFORMS[snapshot.shape.arch];
  try {
    throwIfInterrupted(signal);
    const host = await machine.within(callTimeout, describeHost(machine, snapshot));
    const { release } = host.release;
    const ring = new ConsoleRing(machine.agent, release.sysctlInterfaceVersion);
    // Lines printed during boot.
    const boot = await machine.within(callTimeout, ring.take());
    if (typeof boot === 'number') throw new XspliceError('EHOST', `cannot read the console ring: errno ${-boot}`);
    machine.serial.skipAll();
    const memory = new MemoryReader(machine, scratch, { probe: snapshot.images.probe, inHypervisor });
    const calls = new LivepatchCalls(machine.agent, release);
    return new QemuTarget({ machine, calls, ring, memory, host, callTimeout, close });
  } catch (error) {
    await machine.end();
    close();
    if (!(error instanceof MachineDown)) throw error;
    throw environmentFailure(error.down) ?? new XspliceError('ETOOL', 'the restored host does not answer');
  }
}

async function describeHost(machine: Machine, { shape, images }: Snapshot): Promise<QemuHost> {
  const number = await machine.agent.hypercall(new GuestArena(), HYPERVISOR_XEN_VERSION, [BigInt(XENVER_VERSION), 0n]);
  const extra = await versionString(machine, 'extra');
  const [major, minor] = [number >> 16, number & 0xffff];
  const release = releaseOfImage(major, minor, extra);
  if (release === undefined) {
    throw new XspliceError('EHOST', `unsupported release: Xen ${major}.${minor}${extra}`, 'Use Xen 4.11 or later.');
  }
  const { arch, cpu, smp, memory } = shape;
  return {
    version: `${major}.${minor}${extra}`,
    release,
    buildId: images.buildId === undefined ? null : hex(images.buildId),
    xenSyms: images.xenSyms ?? null,
    arch,
    cpu,
    smp,
    memory,
  };
}
