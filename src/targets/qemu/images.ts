import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type Address, equalBytes, hex, viewOf, XspliceError } from '../../base/index.ts';
import { type ElfFile, findBuildId, isProblem, readElf } from '../../elf/index.ts';
import type { Environment } from '../../system/index.ts';
import type { QemuOptions } from './options.ts';
import type { Platform } from './platform.ts';
import { PLATFORMS } from './platforms.ts';

/** The hypervisor to boot. */
export interface Images {
  /** The unpacked file that QEMU loads: ELF32 on x86, a flat image on Arm. */
  readonly xen: Uint8Array;
  /** Path of its `xen-syms`; `undefined` if the user gave a hypervisor without one. */
  readonly xenSyms: string | undefined;
  readonly buildId: Uint8Array | undefined;
  /** An address in the hypervisor's code that only the reduced page tables of XPTI lack. */
  readonly probe: Address | undefined;
}

/** Larger files are rejected as images. */
const MAX_SIZE = 256 << 20;

/** Start of a build-id note: `namesz`, then after `descsz` the type (NT_GNU_BUILD_ID) and the name. Source: elf(5), NOTES. */
const NOTE_NAMESZ = 4;
const NT_GNU_BUILD_ID = 3;
const NOTE_NAME = 0x0055_4e47; // "GNU\0"
const NOTE_HEADER = 16;
/** Maximum bytes of a build-id. ld makes 16 or 20, but accepts any from the user. */
const MOST_ID = 64;

/**
 * Returns the hypervisor that the options name; by default the one of its {@link Platform}. Unpacks a compressed image, and checks
 * that both files are of one build. Throws EFILE and EIMAGE.
 */
export async function bootImages(
  options: QemuOptions & { readonly env: Environment },
  platform: Platform,
): Promise<Images> {
  const known = options.xenImage === undefined ? await platform.hypervisor(options) : undefined;
  const path = options.xenImage ?? known?.xen ?? '';
  const xen = bootable(path, platform);
  const symsPath = options.xenSyms ?? known?.xenSyms;
  const own = readElf(xen);
  const buildId = isProblem(own) ? buildIdIn(xen) : findBuildId(own);
  if (symsPath === undefined) return { xen, xenSyms: undefined, buildId, probe: undefined };
  const syms = readSyms(symsPath, platform);
  const symsId = findBuildId(syms);
  if (symsId === undefined) throw new XspliceError('EIMAGE', `${symsPath} has no build-id`);
  if (buildId === undefined || !equalBytes(buildId, symsId)) {
    const ids = `${buildId === undefined ? 'none' : hex(buildId)} and ${hex(symsId)}`;
    const what = options.xenImage === undefined ? platform.hypervisorName : path;
    throw new XspliceError(
      'EIMAGE',
      `${what} and ${symsPath} are of different builds: build-ids ${ids}`,
      options.xenImage === undefined ? 'Give --xen-image, the xen.gz of the same build.' : undefined,
    );
  }
  return { xen, xenSyms: symsPath, buildId, probe: probeOf(syms) };
}

function read(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    throw new XspliceError('EFILE', `cannot read ${path}: ${(error as Error).message}`);
  }
}

function bootable(path: string, { bootable, notBootable }: Platform): Uint8Array {
  let bytes = read(path);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      bytes = new Uint8Array(gunzipSync(bytes, { maxOutputLength: MAX_SIZE }));
    } catch (error) {
      throw new XspliceError('EIMAGE', `cannot decompress ${path}: ${(error as Error).message}`);
    }
  }
  if (bootable(bytes)) return bytes;
  const other = Object.values(PLATFORMS).find((platform) => platform.bootable(bytes));
  const hint =
    other === undefined ? notBootable.hint : `This is a Xen for ${other.name}: choose that architecture with --arch.`;
  throw new XspliceError('EIMAGE', `${path} ${notBootable.what}`, hint);
}

function readSyms(path: string, platform: Platform): ElfFile {
  const elf = readElf(read(path));
  if (isProblem(elf)) throw new XspliceError('EIMAGE', `${path} is not a xen-syms: ${elf.message}`);
  if (elf.machine !== platform.machine) {
    const other = Object.values(PLATFORMS).find(({ machine }) => machine === elf.machine);
    const what = other === undefined ? `e_machine ${elf.machine}` : other.name;
    throw new XspliceError('EIMAGE', `${path} is for ${what}, but the host is ${platform.name}`);
  }
  return elf;
}

/** Finds the build-id note in a flat image, which has no headers that point to it. */
function buildIdIn(image: Uint8Array): Uint8Array | undefined {
  const view = viewOf(image);
  for (let at = 0; at + NOTE_HEADER <= image.length; at += 4) {
    if (view.getUint32(at, true) !== NOTE_NAMESZ) continue;
    if (view.getUint32(at + 8, true) !== NT_GNU_BUILD_ID || view.getUint32(at + 12, true) !== NOTE_NAME) continue;
    const size = view.getUint32(at + 4, true);
    const end = at + NOTE_HEADER + size;
    if (size > 0 && size <= MOST_ID && end <= image.length) return image.slice(at + NOTE_HEADER, end);
  }
  return undefined;
}

/** Returns a function that every hypervisor has, outside the entry code that XPTI leaves mapped. */
function probeOf(syms: ElfFile): Address | undefined {
  const { symbols } = syms;
  for (let i = 0; i < symbols.count; i++) if (symbols.name(i) === 'xen_extra_version') return symbols.value(i);
  return undefined;
}
