import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type Address, equalBytes, hex, viewOf, XspliceError } from '../../base/index.ts';
import { type ElfFile, findBuildId, isProblem, readElf } from '../../elf/index.ts';
import { debianXen } from './debian.ts';
import type { QemuOptions } from './options.ts';
import type { Environment } from './tools.ts';

/** The hypervisor that is to be booted. */
export interface Images {
  /** What QEMU's multiboot loader takes: an ELF32 file, unpacked. */
  readonly xen: Uint8Array;
  /** Path of the `xen-syms` that belongs to it; `undefined` for a hypervisor of the user's own without one. */
  readonly xenSyms: string | undefined;
  readonly buildId: Uint8Array | undefined;
  /** An address in the hypervisor's code that every page table has but the cut-down ones of XPTI. */
  readonly probe: Address | undefined;
}

/** Larger images are none. */
const MAX_SIZE = 256 << 20;

/** Magic of a multiboot header, which lies in the first 8192 bytes. Source: Multiboot Specification 0.6.96, section 3.1. */
const MULTIBOOT_MAGIC = 0x1bad_b002;
const MULTIBOOT_WITHIN = 8192;

const ELFCLASS32 = 1;

/**
 * The hypervisor that the options name, Debian's by default. A user's own is unpacked where it is compressed, and both its
 * files have to be of one build. Throws EFILE and EIMAGE.
 */
export async function bootImages(options: QemuOptions & { readonly env: Environment }): Promise<Images> {
  const debian = options.xenImage === undefined ? await debianXen(options) : undefined;
  const path = options.xenImage ?? debian?.xen ?? '';
  const xen = bootable(path);
  const symsPath = options.xenSyms ?? debian?.xenSyms;
  const own = readElf(xen);
  const buildId = isProblem(own) ? undefined : findBuildId(own);
  if (symsPath === undefined) return { xen, xenSyms: undefined, buildId, probe: undefined };
  const syms = readSyms(symsPath);
  const symsId = findBuildId(syms);
  if (symsId === undefined) throw new XspliceError('EIMAGE', `${symsPath} has no build-id`);
  if (buildId === undefined || !equalBytes(buildId, symsId)) {
    const ids = `${buildId === undefined ? 'none' : hex(buildId)} and ${hex(symsId)}`;
    const what = options.xenImage === undefined ? "Debian's hypervisor, which would be booted," : path;
    throw new XspliceError(
      'EIMAGE',
      `${what} and ${symsPath} are not of the same build: their build-ids are ${ids}`,
      options.xenImage === undefined ? 'Name the hypervisor to boot, too (xen.gz of the same build).' : undefined,
    );
  }
  return { xen, xenSyms: symsPath, buildId, probe: probeOf(syms) };
}

function read(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    throw new XspliceError('EFILE', `${path} cannot be read: ${(error as Error).message}`);
  }
}

function bootable(path: string): Uint8Array {
  let bytes = read(path);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      bytes = new Uint8Array(gunzipSync(bytes, { maxOutputLength: MAX_SIZE }));
    } catch (error) {
      throw new XspliceError('EIMAGE', `${path} cannot be unpacked: ${(error as Error).message}`);
    }
  }
  const view = viewOf(bytes.subarray(0, MULTIBOOT_WITHIN));
  let multiboot = false;
  for (let at = 0; at + 4 <= view.byteLength; at += 4) multiboot ||= view.getUint32(at, true) === MULTIBOOT_MAGIC;
  const elf = readElf(bytes);
  if (isProblem(elf) || bytes[4] !== ELFCLASS32 || !multiboot) {
    const hint = 'It has to be the file `xen` or `xen.gz` of the build, not `xen-syms` and not `xen.efi`.';
    throw new XspliceError('EIMAGE', `${path} is no hypervisor that a multiboot loader takes`, hint);
  }
  return bytes;
}

function readSyms(path: string): ElfFile {
  const elf = readElf(read(path));
  if (isProblem(elf)) throw new XspliceError('EIMAGE', `${path} is no xen-syms: ${elf.message}`);
  return elf;
}

/** Every hypervisor has this function, and calls it, outside of the entry code that XPTI leaves mapped. */
function probeOf(syms: ElfFile): Address | undefined {
  const { symbols } = syms;
  for (let i = 0; i < symbols.count; i++) if (symbols.name(i) === 'xen_extra_version') return symbols.value(i);
  return undefined;
}
