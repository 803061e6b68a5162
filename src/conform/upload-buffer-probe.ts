import type { Address } from '../base/index.ts';
import { uploadBufferOf } from '../hypervisor/index.ts';
import type { XenFacts } from '../synth/index.ts';
import { buildPayload, ElfFields, type SectionPlace, writeField } from '../synth/index.ts';
import { PAGE_SIZE } from '../xen/index.ts';
import type { BootStage } from './conform.ts';

/** Largest size that is probed, in pages. Larger files are assumed to be at the same place. */
const LARGEST = 4;

/**
 * Finds out where a host keeps an uploaded file, which depends on its other allocations. When a section's offset and size overflow, the loader reads
 * in front of the file, and the panic names the address. Each size costs one host.
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
