import {
  addNops,
  applyAlternatives,
  ENDBR64_LEN,
  ENDBR64_POISON,
  isEndbr64,
  nopFamily,
  PAGE_KINDS,
  type Permission,
  type RelativeMemory,
} from '../arch/index.ts';
import { type Address, hexAddress, viewOf } from '../base/index.ts';
import { SHF_ALLOC, SHT_NOBITS } from '../elf/index.ts';
import { type CpuOptions, Machine, MemoryFault, type OpenCpu } from '../machine/index.ts';
import { PAGE_SIZE } from '../xen/index.ts';
import { bootAlternativesHost, imageRules } from './alternatives.ts';
import { CodeRunner } from './code-runner.ts';
import type { HostOptions, Hypervisor } from './hypervisor.ts';
import type { Image, ImageRegion } from './image.ts';
import { badImage } from './image-layout.ts';
import { Log } from './log.ts';
import { relativeMemory } from './relative-memory.ts';
import { HostStop } from './stop.ts';
import { VmapXen } from './vmap.ts';

export interface BootOptions extends HostOptions {
  /** How many CPUs are online, or how each of them behaves. */
  readonly cpus?: number | readonly CpuOptions[];
  /** The command line's `loglvl=`; `all` unless given. */
  readonly loglvl?: string;
  /** Gives a processor for the code of payloads and of the hypervisor. Without it no code is run. */
  readonly openCpu?: OpenCpu;
  /** Where an upload's file of that many pages is held while it loads: a matter of what else the host has allocated. */
  readonly uploadBuffer?: (pages: number) => Address;
}

/** Permissions of the image once the host is up; the init part has been given back by then. */
const PERMISSIONS: Readonly<Record<ImageRegion['name'], Permission | null>> = {
  text: PAGE_KINDS.RX,
  rodata: PAGE_KINDS.RO,
  init: null,
  rwdata: PAGE_KINDS.RW,
};

/**
 * An address in VMAP_DEFAULT at which the file of an upload is held while it loads. On a real host it depends on what else was allocated.
 * Source: xen/arch/x86/include/asm/config.h (VMAP_VIRT_START).
 */
export const UPLOAD_BUFFER: Address = 0xffff_82c0_0021_e000n;

/** Boots an image: it is mapped at its link addresses and brought into the state in which a host runs. Throws EIMAGE where it cannot be. */
export function boot(image: Image, options: BootOptions): Hypervisor {
  const { release, processor, debugBuild } = options;
  const machine = new Machine({
    format: image.arch.pageTables,
    cpus: options.cpus ?? 1,
    loglvl: options.loglvl ?? 'all',
    defaultLogLevel: release.defaultLogLevel,
    debugBuild,
  });
  const { start, end } = image.vmapXen(release);
  const family = nopFamily(processor);
  const hv: Hypervisor = {
    machine,
    image,
    arch: image.arch,
    options,
    release,
    symbols: image.symbolsFor(release),
    log: new Log(machine.console, release, debugBuild),
    vmapXen: new VmapXen(start, end),
    alternativeRules: imageRules(image, release),
    patching: {
      memory: machine.space,
      release,
      nops: (length) => addNops(family, length),
      reset: (why) => {
        throw new HostStop({ kind: 'reset', why });
      },
    },
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
    uploadBuffer: options.uploadBuffer ?? (() => UPLOAD_BUFFER),
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
    throw badImage('the hypervisor would not come up: applying its own alternatives goes wrong');
  }
  for (const region of regions) {
    const permission = PERMISSIONS[region.name];
    const length = Number(region.end - region.start);
    if (permission === null || length === 0) continue;
    const offset = Number(region.start - first);
    const whole = Math.ceil(length / PAGE_SIZE) * PAGE_SIZE;
    machine.space.map(region.start, memory.subarray(offset, offset + whole), permission, { superpages: true });
  }
  if (options.openCpu !== undefined) hv.code = new CodeRunner(hv, options.openCpu);
  return hv;
}

/**
 * What Xen does to its own code before it is up: alternatives are applied, and ENDBR64 of functions that are not called indirectly after
 * all are overwritten. Alternative calls whose pointers initialisation fills stay as they are in the file: their targets depend on the host.
 */
function patchImage(hv: Hypervisor, memory: RelativeMemory, bytes: Uint8Array): void {
  const { image } = hv;
  const table = image.linker('__alt_instructions');
  const tableEnd = image.linker('__alt_instructions_end');
  if (table !== undefined && tableEnd !== undefined) {
    const [from, to] = offsetsIn(memory, bytes, table, tableEnd);
    const view = viewOf(bytes);
    const host = bootAlternativesHost(hv, memory);
    const inImage = (address: Address): boolean =>
      address >= memory.base && address + 8n <= memory.base + BigInt(bytes.length);
    applyAlternatives(
      {
        ...host,
        readPointer: (at) => (inImage(at) ? view.getBigUint64(Number(at - memory.base), true) : 0n),
        read: (at, length) => memory.read(Number(at - memory.base), length),
      },
      from,
      to,
    );
  }
  if (hv.options.processor.cet.indirectBranchTracking && hv.release.endbr === 'endbr64-or-poison')
    seal(hv, memory, bytes);
}

/** Where a table of the image starts and ends in its bytes. Throws EIMAGE where that is not inside them. */
function offsetsIn(memory: RelativeMemory, bytes: Uint8Array, start: Address, end: Address): readonly [number, number] {
  if (start < memory.base || end < start || end > memory.base + BigInt(bytes.length)) {
    throw badImage(`a table at ${hexAddress(start)} to ${hexAddress(end)} does not lie in the image`);
  }
  return [Number(start - memory.base), Number(end - memory.base)];
}

/** Overwrites ENDBR64 at the targets listed in __initdata_cf_clobber. 37ed5da851 (4.17). */
function seal(hv: Hypervisor, memory: RelativeMemory, bytes: Uint8Array): void {
  const { image } = hv;
  const start = image.linker('__initdata_cf_clobber_start');
  const end = image.linker('__initdata_cf_clobber_end');
  if (start === undefined || end === undefined || !image.configured('CONFIG_XEN_IBT')) return;
  const { textStart, textEnd } = image.core;
  const [from, to] = offsetsIn(memory, bytes, start, end);
  const pointers = viewOf(bytes.subarray(from, to));
  for (let at = 0; at + 8 <= pointers.byteLength; at += 8) {
    const target = pointers.getBigUint64(at, true);
    if (target < textStart || target >= textEnd) continue;
    const offset = Number(target - memory.base);
    if (isEndbr64(memory.read(offset, ENDBR64_LEN))) memory.write(offset, Uint8Array.from(ENDBR64_POISON));
  }
}
