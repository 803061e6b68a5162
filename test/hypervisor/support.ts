import { CPU_PRESETS, DEFAULT_CPU, type Processor } from '../../src/arch/index.ts';
import type { Finding } from '../../src/base/index.ts';
import { gunzip } from '../../src/cli/gunzip.ts';
import {
  type BootOptions,
  boot,
  type Hypervisor,
  type Image,
  type LoadedPayload,
  openImage,
  SimulatedTarget,
} from '../../src/hypervisor/index.ts';
import {
  type ActionName,
  type ActionOptions,
  errnoName,
  RELEASES,
  type Release,
  releaseByVersion,
} from '../../src/xen/index.ts';
import { actionNow, uploadNow } from '../support/answers.ts';
import { exampleBytes, exampleManifest } from '../support/examples.ts';

/** The row of the release table for exactly this point release. */
export function releaseNamed(version: string): Release {
  const found = RELEASES.find((release) => release.version === version) ?? releaseByVersion(version)?.release;
  if (found === undefined) throw new Error(`no release ${version}`);
  return found;
}

export function processorNamed(name: string = DEFAULT_CPU): Processor {
  const processor = CPU_PRESETS[name];
  if (processor === undefined) throw new Error(`no processor ${name}`);
  return processor;
}

let miniature: Image | undefined;

/** The miniature image, opened once, since booting does not change it. */
export function miniatureImage(): Image {
  miniature ??= openImage(exampleBytes(exampleManifest.image.name), { gunzip });
  return miniature;
}

/** Settings of the host; the default is a release build of 4.18.1 on the default processor with one CPU. */
export interface HostSettings extends Partial<Omit<BootOptions, 'release' | 'processor'>> {
  /** A tag of the release table. */
  readonly release?: string;
  readonly processor?: Processor;
  /** The miniature image by default. */
  readonly image?: Image;
}

export function bootHost(settings: HostSettings = {}): SimulatedTarget {
  const { release = exampleManifest.image.release, processor = processorNamed(), image, ...rest } = settings;
  const hypervisor = boot(image ?? miniatureImage(), {
    release: releaseNamed(release),
    processor,
    debugBuild: false,
    domainsWithWaitqueue: [],
    ...rest,
  });
  return new SimulatedTarget(hypervisor);
}

/** The outcome of one call, with console lines and findings. */
export interface Outcome {
  /** 0 or a negated errno; `null` if the host died. */
  readonly rc: number | null;
  /** Xen's name of the errno, or `null`. */
  readonly errno: string | null;
  /** Lines without `(XEN) `, including the panic screen. */
  readonly console: readonly string[];
  readonly findings: readonly Finding[];
  /** The hook at which the simulation ended. */
  readonly hook: string | null;
  /** The panic message: `FATAL PAGE FAULT`. */
  readonly panic: string | null;
}

const withoutPrefix = (line: string): string => line.replace(/^\(XEN\) ?/, '');

function outcome(target: SimulatedTarget, rc: number | null): Outcome {
  const { hypervisor } = target;
  return {
    rc,
    errno: rc !== null && rc < 0 ? (errnoName(rc) ?? String(rc)) : null,
    console: hypervisor.machine.console.take().map(withoutPrefix),
    findings: target.takeFindings(),
    hook: hypervisor.stopped?.hook?.kind ?? null,
    panic: hypervisor.stopped?.panic?.message ?? null,
  };
}

/** Uploads a file, or the example of that name. */
export function upload(target: SimulatedTarget, name: string, file?: Uint8Array, flags?: number): Outcome {
  return outcome(target, uploadNow(target, name, file ?? exampleBytes(name), flags));
}

/** Performs one action; the result is the call's, or else the payload's own. */
export function act(target: SimulatedTarget, name: string, action: ActionName, options?: ActionOptions): Outcome {
  return outcome(target, actionNow(target, name, action, options));
}

export const apply = (target: SimulatedTarget, name: string, options?: ActionOptions): Outcome =>
  act(target, name, 'apply', options);
export const revert = (target: SimulatedTarget, name: string, options?: ActionOptions): Outcome =>
  act(target, name, 'revert', options);
export const replace = (target: SimulatedTarget, name: string, options?: ActionOptions): Outcome =>
  act(target, name, 'replace', options);
export const unload = (target: SimulatedTarget, name: string, options?: ActionOptions): Outcome =>
  act(target, name, 'unload', options);

/** The payload of that name; fails if there is none. */
export function loaded(target: SimulatedTarget, name: string): LoadedPayload {
  const payload = target.hypervisor.payloads.find((each) => each.name === name);
  if (payload === undefined) throw new Error(`no payload ${name} is loaded`);
  return payload;
}

/** All mapped memory: ranges, permissions, bytes. */
export const digest = (target: SimulatedTarget): string => target.hypervisor.machine.space.digest();

/** Bytes of the host's memory, at an address or at a symbol of the image. */
export function bytesAt(target: SimulatedTarget, at: bigint | string, length: number): Uint8Array {
  const { hypervisor } = target;
  const address = typeof at === 'bigint' ? at : hypervisor.symbols.byName(at);
  if (address === 0n) throw new Error(`no symbol ${at}`);
  return hypervisor.machine.space.read(address, length);
}

/** A copy of the payload's current pages, by kind. */
export function pagesOf(hypervisor: Hypervisor, payload: LoadedPayload): Record<'text' | 'rw' | 'ro', Uint8Array> {
  const read = ({ addr, size }: { addr: bigint; size: number }): Uint8Array =>
    size === 0 ? new Uint8Array(0) : hypervisor.machine.space.read(addr, size).slice();
  return { text: read(payload.text), rw: read(payload.rw), ro: read(payload.ro) };
}
