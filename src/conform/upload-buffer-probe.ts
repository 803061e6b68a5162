import type { Address } from '../base/index.ts';
import { uploadBufferOf } from '../hypervisor/index.ts';
import type { XenFacts } from '../synth/index.ts';
import { buildPayload, ElfFields, type SectionPlace, writeField } from '../synth/index.ts';
import { PAGE_SIZE } from '../xen/index.ts';
import type { BootStage } from './conform.ts';

/** Sizes that are tried; a larger file is taken to be where the largest of these is. */
const LARGEST = 4;

/**
 * Finds out where a host holds the file of an upload: the loader reads in front of it when a section's offset and size overflow, and the
 * panic says where. Each size costs a host its life. What else a host has allocated decides, so that no simulation can know.
 */
export async function probeUploadBuffer(boot: BootStage, xen: XenFacts): Promise<(pages: number) => Address> {
  const found: Address[] = [];
  for (let pages = 1; pages <= LARGEST; pages++) {
    const address = await faultOf(boot, probeFile(xen, pages));
    if (address === null) break;
    found.push(address + 1n);
  }
  return (pages) => found[Math.min(pages, found.length) - 1] ?? uploadBufferOf(xen.arch, xen.release);
}

/**
 * A payload whose string table has a size that takes it around to the start of the file: the loader then looks at the byte before that for
 * the NUL at the table's end, in the guard page. Source: xen/common/livepatch_elf.c, elf_verify_strtab.
 */
function probeFile(xen: XenFacts, pages: number): Uint8Array {
  const file = buildPayload({ edits: [{ growTo: pages * PAGE_SIZE }] }, { xen });
  const elf = new ElfFields(file);
  const strings = elf.section('.strtab') as SectionPlace;
  writeField(file, elf.shdr(strings, 'sh_size'), -BigInt(strings.offset));
  return file;
}

async function faultOf(boot: BootStage, file: Uint8Array): Promise<Address | null> {
  const { target } = await boot();
  try {
    await target.upload('probe', file);
    return (await target.panic())?.address ?? null;
  } finally {
    await target.close();
  }
}
