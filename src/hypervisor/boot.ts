import {
  type Architecture,
  type ImageRegion,
  type LinkerSymbolName,
  PAGE_KINDS,
  type Permission,
  type RelativeMemory,
} from '../arch/index.ts';
import { type Address, addOffset, hexAddress, viewOf } from '../base/index.ts';
import { SHF_ALLOC, SHT_NOBITS } from '../elf/index.ts';
import { type CpuOptions, Machine, MemoryFault, type OpenCpu } from '../machine/index.ts';
import { PAGE_SIZE, type Release } from '../xen/index.ts';
import { bootAlternativesHost, imageRules } from './alternatives.ts';
import { CacheLog } from './cache-maintenance.ts';
import { ProcessorRunner } from './code-runner.ts';
import type { HostOptions } from './host-options.ts';
import type { Hypervisor } from './hypervisor.ts';
import type { Image } from './image.ts';
import { badImage } from './image-layout.ts';
import { Log } from './log.ts';
import { patchContext } from './patch-context.ts';
import { relativeMemory } from './relative-memory.ts';
import { SIMULATED_FUNCTIONS } from './simulated-functions.ts';
import { HostStop } from './stop.ts';
import { VmapXen } from './vmap.ts';

export interface BootOptions extends HostOptions {
  /** How many CPUs are online, or the behaviour of each. */
  readonly cpus?: number | readonly CpuOptions[];
  /** The command line's `loglvl=`; `all` by default. */
  readonly loglvl?: string;
  /** Opens a processor for code of payloads and of the hypervisor. Without it no code runs. */
  readonly openCpu?: OpenCpu;
  /** Returns the address of an upload's buffer of that many pages; it depends on the host's other allocations. */
  readonly uploadBuffer?: (pages: number) => Address;
}

/** Permissions of the image once the host is up; the init part has been freed by then. */
const PERMISSIONS: Readonly<Record<ImageRegion['name'], Permission | null>> = {
  text: PAGE_KINDS.RX,
  rodata: PAGE_KINDS.RO,
  init: null,
  rwdata: PAGE_KINDS.RW,
};

/** Bytes from the start of VMAP_DEFAULT to an upload's buffer. On a real host this depends on earlier allocations. */
const UPLOAD_OFFSET = 0x21_e000;

/** Returns the default address of an upload's buffer. */
export const uploadBufferOf = (arch: Architecture, release: Release): Address =>
  addOffset(arch.vmapDefault(release), UPLOAD_OFFSET);

/** Boots an image: maps it at its link addresses and patches it as Xen does at boot. Throws EIMAGE if the image cannot boot. */
export function boot(image: Image, options: BootOptions): Hypervisor {
  const { release, debugBuild } = options;
  const machine = new Machine({
    format: image.arch.pageTables,
    cpus: options.cpus ?? 1,
    loglvl: options.loglvl ?? 'all',
    defaultLogLevel: release.defaultLogLevel,
    debugBuild,
  });
  const { start, end } = image.vmapXen(release);
  const buffer = uploadBufferOf(image.arch, release);
  const hv: Hypervisor = {
    machine,
    image,
    arch: image.arch,
    options,
    release,
    symbols: image.symbolsFor(release),
    log: new Log(machine.console, release, { debugBuild, pointerSize: image.arch.elf.pointerSize }),
    vmapXen: new VmapXen(start, end),
    alternativeRules: imageRules(image, release),
    patching: patchContext(release, machine.space, () => hv),
    textAlias: null,
    caches: new CacheLog(machine.space, options.cacheFaults !== false),
    payloads: [],
    applied: [],
    payloadVersion: 1,
    regions: [image.core],
    work: null,
    frames: [],
    findings: [],
    stopped: null,
    code: null,
    trapped: null,
    uploadBuffer: options.uploadBuffer ?? (() => buffer),
  };

  const regions = image.regions;
  const first = (regions[0] as ImageRegion).start;
  const last = (regions[regions.length - 1] as ImageRegion).end;
  const memory = new Uint8Array(Number(last - first));
  let copied = 0;
  for (const section of image.elf.sections) {
    if ((section.flags & SHF_ALLOC) === 0 || section.type === SHT_NOBITS) continue;
    if (section.addr < first || section.addr + BigInt(section.size) > last) continue;
    const bytes = section.data();
    copied += bytes.length;
    if (copied > memory.length) throw badImage('the sections of the image overlap');
    memory.set(bytes, Number(section.addr - first));
  }
  try {
    patchImage(hv, relativeMemory(machine.space, first, memory), memory);
  } catch (thrown) {
    if (!(thrown instanceof HostStop || thrown instanceof MemoryFault)) throw thrown;
    throw badImage('the hypervisor cannot boot: applying its own alternatives fails');
  }
  for (const region of regions) {
    const permission = PERMISSIONS[region.name];
    const length = Number(region.end - region.start);
    if (permission === null || length === 0) continue;
    const offset = Number(region.start - first);
    const whole = Math.ceil(length / PAGE_SIZE) * PAGE_SIZE;
    machine.space.map(region.start, memory.subarray(offset, offset + whole), permission, {
      superpages: image.arch.image.superpages,
    });
  }
  if (options.openCpu !== undefined) hv.code = new ProcessorRunner(hv, options.openCpu, SIMULATED_FUNCTIONS);
  return hv;
}

/**
 * Patches the image as Xen does at boot: applies alternatives, then the architecture's own changes. Alternative calls through pointers that
 * initialisation fills stay as in the file, because their targets depend on the host.
 */
function patchImage(hv: Hypervisor, memory: RelativeMemory, bytes: Uint8Array): void {
  const { image, arch } = hv;
  const table = image.linker('__alt_instructions');
  const tableEnd = image.linker('__alt_instructions_end');
  if (table !== undefined && tableEnd !== undefined) {
    const [from, to] = offsetsIn(memory, bytes, table, tableEnd);
    const view = viewOf(bytes);
    const host = bootAlternativesHost(hv, memory);
    const inImage = (address: Address): boolean =>
      address >= memory.base && address + 8n <= memory.base + BigInt(bytes.length);
    arch.alternatives.apply(
      {
        ...host,
        readPointer: (at) => (inImage(at) ? view.getBigUint64(Number(at - memory.base), true) : 0n),
        read: (at, length) => memory.read(Number(at - memory.base), length),
      },
      from,
      to,
    );
  }
  const tracked = hv.options.processor.cet.indirectBranchTracking && image.configured('CONFIG_XEN_IBT');
  if (!tracked || hv.release.endbr !== 'endbr64-or-poison') return;
  const { textStart, textEnd } = image.core;
  const pointers = (start: LinkerSymbolName, end: LinkerSymbolName): DataView => {
    const [from, to] = [image.linker(start), image.linker(end)];
    if (from === undefined || to === undefined) return NOTHING;
    const range = offsetsIn(memory, bytes, from, to);
    return viewOf(bytes.subarray(range[0], range[1]));
  };
  arch.image.finish(memory, pointers, { start: textStart, end: textEnd });
}

const NOTHING = new DataView(new ArrayBuffer(0));

/** Returns the offsets of a table's start and end in the image's bytes. Throws EIMAGE if they are outside. */
function offsetsIn(memory: RelativeMemory, bytes: Uint8Array, start: Address, end: Address): readonly [number, number] {
  if (start < memory.base || end < start || end > memory.base + BigInt(bytes.length)) {
    throw badImage(`a table at ${hexAddress(start)} to ${hexAddress(end)} is outside the image`);
  }
  return [Number(start - memory.base), Number(end - memory.base)];
}
