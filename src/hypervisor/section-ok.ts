import type { LoaderElf, LoaderSection } from './elf-load.ts';
import type { Hypervisor } from './hypervisor.ts';
import { LIVEPATCH_C, Refuser } from './refusal.ts';

/** section_ok: checks that a section is a whole number of entries. Source: xen/common/livepatch.c. */
export function sectionOk(hv: Hypervisor, elf: LoaderElf, section: LoaderSection, entry: number): boolean {
  const { sh_size } = section.header;
  if (sh_size % BigInt(entry) === 0n) return true;
  const refuse = new Refuser(hv, LIVEPATCH_C, elf.name).at({ section: section.name });
  const template = 'Wrong size %lu of %s (must be multiple of %zu)';
  refuse('section-size', 'EINVAL', template, sh_size, section.name, entry);
  return false;
}

/** The result of a stage for which {@link sectionOk} returned false: -EINVAL. */
export const SECTION_NOT_OK = -22;
