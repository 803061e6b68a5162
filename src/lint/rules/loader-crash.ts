import type { Found } from '../../base/index.ts';
import { SHF_ALLOC, SHF_EXECINSTR, SHT_NOBITS, SHT_REL, SHT_RELA, SHT_SYMTAB } from '../../elf/index.ts';
import {
  ELF_ALTINSTRUCTIONS,
  ELF_BUILD_ID_NOTE,
  ELF_EX_TABLE,
  ELF_LIVEPATCH_DEPENDS,
  ELF_LIVEPATCH_FUNC,
  ELF_LIVEPATCH_MODINFO,
  ELF_LIVEPATCH_XEN_DEPENDS,
} from '../../xen/index.ts';
import type { LintContext } from '../context.ts';
import { targetText } from '../places.ts';
import type { LintRule } from '../rule.ts';

/** Sections that Xen reads from their loaded copy, which a section without SHF_ALLOC lacks. */
const READ_WHEN_LOADED = [
  ELF_LIVEPATCH_FUNC,
  ELF_BUILD_ID_NOTE,
  ELF_LIVEPATCH_DEPENDS,
  ELF_LIVEPATCH_MODINFO,
  ELF_ALTINSTRUCTIONS,
  ELF_EX_TABLE,
];

/**
 * Files that make the loader follow an invalid pointer, or that its checks miss because of an overflow. Each was found in the source, most
 * were seen on a real Xen 4.17.7, and all are open in 4.22.
 */
export const loaderCrash: LintRule = {
  id: 'loader-crash',
  *check(context) {
    yield* headers(context);
    yield* sections(context);
    yield* entries(context);
  },
};

/** Checks section headers: livepatch_elf.c, elf_resolve_sections and livepatch_elf_perform_relocs; livepatch.c, move_payload. */
function* headers({ content }: LintContext): Generator<Found> {
  for (const section of content.elf.sections.slice(1)) {
    const { name, type, flags } = section;
    const where = { section: name, offset: 0 };
    const { sh_offset, sh_size, sh_link, sh_info, sh_addralign } = section.header;
    if (type === SHT_SYMTAB && sh_link === 0) {
      yield {
        message: `sh_link of ${name} is section 0, which has no data: the loader dereferences NULL`,
        where,
      };
    }
    if ((type === SHT_RELA || type === SHT_REL) && sh_info === 0 && sh_size !== 0n) {
      yield {
        message: `${name} relocates section 0, which has no data: the loader dereferences NULL. Remove the section`,
        where,
      };
    }
    if (type !== SHT_NOBITS && sh_offset + sh_size >= 1n << 64n) {
      yield {
        message: `offset plus size of ${name} overflows: the loader's bounds check does not see that it is outside the file`,
        where,
      };
    }
    if ((flags & SHF_ALLOC) !== 0 && sh_addralign === 0n && sh_size !== 0n) {
      yield {
        message: `${name} has alignment 0: the loader places it over the sections before it. Set the alignment to 1`,
        where,
      };
    }
  }
}

/** Checks the sections that Xen looks up by name: livepatch.c, prepare_payload. */
function* sections({ content, release }: LintContext): Generator<Found> {
  for (const name of READ_WHEN_LOADED) {
    const section = content.elf.section(name);
    if (section === undefined || (section.flags & SHF_ALLOC) !== 0 || section.size === 0) continue;
    const what =
      release.unloadedSection === 'null'
        ? 'Xen reads it through a NULL pointer'
        : 'Xen keeps a pointer into the upload buffer, which it frees';
    yield { message: `${name} is not loaded, because it lacks the flag A: ${what}`, where: { section: name } };
  }
  const modinfo = content.elf.section(ELF_LIVEPATCH_MODINFO);
  if (modinfo?.size === 0 && release.modinfo) {
    const message = `${ELF_LIVEPATCH_MODINFO} is empty: \`len - 1\` wraps, so Xen reads 4 GiB past its start. Remove the section`;
    yield { message, where: { section: ELF_LIVEPATCH_MODINFO } };
  }
  const depends = content.elf.section(ELF_LIVEPATCH_XEN_DEPENDS);
  if (depends?.type === SHT_NOBITS && release.xenDepends === 'before-move') {
    const message = `${ELF_LIVEPATCH_XEN_DEPENDS} is NOBITS: Xen reads other bytes of the file, or past its end`;
    yield { message, where: { section: ELF_LIVEPATCH_XEN_DEPENDS } };
  }
}

/** Checks entries and hooks: livepatch.c, resolve_old_address and the calls of hooks. */
function* entries(context: LintContext): Generator<Found> {
  const { content } = context;
  for (const { offset, oldAddr, name, namePointer, index } of content.functions?.entries ?? []) {
    const where = { section: ELF_LIVEPATCH_FUNC, offset };
    if (oldAddr.kind === 'null' && name === undefined && namePointer.kind !== 'undefined') {
      const message = `entry ${index} has no old_addr, and its name points to ${targetText(context, namePointer)}, where Xen reads it`;
      yield { message, where };
    }
    if (oldAddr.kind === 'absolute' && context.regionOf(oldAddr.address) === undefined) {
      yield {
        message: `old_addr of entry ${index} is ${targetText(context, oldAddr)}, which is not in the hypervisor`,
        where,
      };
    }
    if (oldAddr.kind === 'undefined') {
      const address = context.addressOf(oldAddr);
      const region = address === undefined ? 'text' : context.regionOf(address);
      if (region === 'rodata' || region === 'rwdata') {
        const message = `old_addr of entry ${index} is ${targetText(context, oldAddr)}, which is data: apply writes instructions there`;
        yield { message, where: { ...where, symbol: oldAddr.symbol } };
      }
    }
  }
  for (const { kind, section, entrySize, entries: pointers } of content.hooks) {
    for (const [i, pointer] of pointers.entries()) {
      const where = { section: section.name, offset: i * entrySize };
      // Xen skips a NULL hook of the other kinds, but calls those of load and unload unchecked.
      if (pointer.kind === 'null' && (kind === 'load' || kind === 'unload')) {
        yield { message: `a ${kind} hook is NULL: Xen calls it, and the CPU jumps to address 0`, where };
      }
      if (pointer.kind === 'section' && ((content.elf.sections[pointer.section]?.flags ?? 0) & SHF_EXECINSTR) === 0) {
        yield {
          message: `the ${kind} hook at ${targetText(context, pointer)} is not in code: its pages are not executable`,
          where,
        };
      }
    }
  }
}
