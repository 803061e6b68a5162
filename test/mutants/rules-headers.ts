import type { SectionPlace } from '../../src/synth/elf-fields.ts';
import type { Draft } from './draft.ts';
import { described, type MutationRule } from './rule.ts';
import { EHDR_FIELDS, SHDR_FIELDS } from './structure-fields.ts';

/** Rules on the file header and the section headers. */

/** How large sections without bytes may get: a few of the largest that Xen takes fit any host. */
const LARGEST = 0x20_0000;

function identRule(draft: Draft): string | undefined {
  const at = draft.random.below(16);
  return described(`e_ident[${at}]`, draft.set({ at, width: 1 }, draft.value(draft.get({ at, width: 1 }), 1)));
}

const headerRule = (field: string): MutationRule => ({
  name: `header.${field}`,
  mutate: (draft) => {
    const place = draft.elf.ehdr(field);
    return described(field, draft.set(place, draft.value(draft.get(place), place.width)));
  },
});

/** Values for fields where not every number makes sense, or where a host's memory would decide. */
const SPECIAL: Readonly<Record<string, (draft: Draft, section: SectionPlace) => bigint>> = {
  sh_type: ({ random }) =>
    BigInt(random.pick([0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 17, 18, 0x6000_0000, 0x7fff_ffff, random.word()])),
  sh_flags: ({ random }, { flags }) =>
    random.pick([
      0n,
      1n,
      2n,
      3n,
      4n,
      5n,
      6n,
      7n,
      flags ^ 1n,
      flags ^ 2n,
      flags ^ 4n,
      flags | 0x10n,
      flags | (1n << 40n),
    ]),
  sh_link: ({ random, elf }) =>
    BigInt(random.pick([0, 1, random.below(elf.sections.length), elf.sections.length, 0xffff_ffff])),
  sh_info: ({ random, elf }) =>
    BigInt(random.pick([0, 1, random.below(elf.sections.length), elf.sections.length, 0xffff_ffff])),
  // Up to 64 KiB, which any host has room for, or beyond all memory: in between the host's size would decide.
  sh_addralign: ({ random }) =>
    random.pick([
      0n,
      3n,
      5n,
      12n,
      48n,
      0x8000_0000_0000_0001n,
      1n << BigInt(random.below(17)),
      1n << BigInt(40 + random.below(24)),
    ]),
  sh_entsize: ({ random }) => BigInt(random.pick([0, 1, 8, 16, 23, 24, 25, 32, 48, 0xffff_ffff])),
  sh_size: (draft, { type, size }) => {
    const value = draft.value(BigInt(size), 8);
    const NOBITS = 8;
    return type === NOBITS && value > LARGEST + 64
      ? BigInt(draft.random.pick([LARGEST, LARGEST + 1, 4096, 4097]))
      : value;
  },
};

const sectionRule = (field: string): MutationRule => ({
  name: `section.${field}`,
  mutate: (draft) => {
    const section = draft.section();
    const place = draft.elf.shdr(section, field);
    const value = SPECIAL[field]?.(draft, section) ?? draft.value(draft.get(place), place.width);
    return described(`${section.name}: ${field}`, draft.set(place, value));
  },
});

function copyHeader(draft: Draft): string | undefined {
  const from = draft.section();
  const to = draft.section();
  const { shdrSize } = draft.elf;
  if (from === to || to.header + shdrSize > draft.bytes.length) return undefined;
  draft.bytes.set(draft.bytes.slice(from.header, from.header + shdrSize), to.header);
  return `the header of ${from.name} in place of that of ${to.name}`;
}

function swapHeaders(draft: Draft): string | undefined {
  const a = draft.section();
  const b = draft.section();
  const { shdrSize } = draft.elf;
  if (a === b || Math.max(a.header, b.header) + shdrSize > draft.bytes.length) return undefined;
  const kept = draft.bytes.slice(a.header, a.header + shdrSize);
  draft.bytes.set(draft.bytes.slice(b.header, b.header + shdrSize), a.header);
  draft.bytes.set(kept, b.header);
  return `the headers of ${a.name} and ${b.name} exchanged`;
}

/** One section's bytes begin inside of another's. */
function overlap(draft: Draft): string | undefined {
  const a = draft.section();
  const b = draft.section();
  if (a === b || b.size === 0) return undefined;
  const inside = b.offset + draft.random.below(b.size);
  return described(
    `${a.name}: sh_offset inside of ${b.name}`,
    draft.set(draft.elf.shdr(a, 'sh_offset'), BigInt(inside)),
  );
}

export const HEADER_RULES: readonly MutationRule[] = [
  { name: 'header.e_ident', mutate: identRule },
  ...EHDR_FIELDS.map(headerRule),
  ...SHDR_FIELDS.map(sectionRule),
  { name: 'section.copy', mutate: copyHeader },
  { name: 'section.swap', mutate: swapHeaders },
  { name: 'section.overlap', mutate: overlap },
];
