import { fromLatin1 } from '../../src/base/index.ts';
import type { SectionPlace } from '../../src/synth/elf-fields.ts';
import {
  ALT_INSTR,
  ELF_ALTINSTR_REPLACEMENT,
  ELF_ALTINSTRUCTIONS,
  ELF_BUILD_ID_NOTE,
  ELF_EX_TABLE,
  ELF_LIVEPATCH_DEPENDS,
  ELF_LIVEPATCH_FUNC,
  ELF_LIVEPATCH_MODINFO,
  ELF_LIVEPATCH_XEN_DEPENDS,
  livepatchFunc,
  X86_FEATURE_ALWAYS,
} from '../../src/xen/index.ts';
import type { Draft } from './draft.ts';
import { described, type MutationRule } from './rule.ts';

/** Rules on what the sections hold that Xen looks into. */

const NOTES = [ELF_BUILD_ID_NOTE, ELF_LIVEPATCH_DEPENDS, ELF_LIVEPATCH_XEN_DEPENDS];

/** Where the members of `struct livepatch_func` are since 4.14, whatever the release keeps in its padding. */
const FUNCS = { 4: livepatchFunc('v2', 4), 8: livepatchFunc('v2', 8) } as const;

const within = (section: SectionPlace, at: number, width: number) => ({ at: section.offset + at, width });

function note(field: 'namesz' | 'descsz' | 'type' | 'owner' | 'id'): MutationRule {
  const places = { namesz: [0, 4], descsz: [4, 4], type: [8, 4], owner: [12, 1], id: [16, 1] } as const;
  return {
    name: `note.${field}`,
    mutate: (draft) => {
      const { random } = draft;
      const section = draft.elf.section(random.pick(NOTES));
      if (section === undefined) return undefined;
      const [start, width] = places[field];
      const at = field === 'owner' ? start + random.below(4) : field === 'id' ? start + random.below(20) : start;
      const place = within(section, at, width);
      return described(`${section.name}: ${field}`, draft.set(place, draft.value(draft.get(place), width)));
    },
  };
}

/** An entry of `.livepatch.funcs`: its number, its first byte in the section, and where its members are behind that. */
function entryOf(draft: Draft) {
  const section = draft.elf.section(ELF_LIVEPATCH_FUNC);
  const { at, size } = FUNCS[draft.elf.pointerSize];
  if (section === undefined || section.size < size) return undefined;
  const index = draft.random.below(Math.floor(section.size / size));
  return { section, index, base: size * index, at, expect: at.expect as number };
}

type Pointer = 'name' | 'newAddr' | 'oldAddr';
const POINTERS: readonly Pointer[] = ['name', 'newAddr', 'oldAddr'];

const functionRule = (field: 'newSize' | 'oldSize' | 'version' | Pointer): MutationRule => ({
  name: `function.${field}`,
  mutate: (draft) => {
    const { random } = draft;
    const entry = entryOf(draft);
    if (entry === undefined) return undefined;
    const pointer = POINTERS.includes(field as Pointer);
    const width = draft.elf.pointerSize;
    const place = within(entry.section, entry.base + entry.at[field], pointer ? width : field === 'version' ? 1 : 4);
    const old = draft.get(place);
    const sizes = [0, 1, 3, 4, 5, 8, 9, 12, 13, 16, 31, 32].map(BigInt);
    // Bytes that no relocation fills are addresses as they are: none, wild ones.
    const value = pointer
      ? random.pick([0n, 1n, 0x1000n, 0x1234_5678_90ab_cdefn, 0xffff_ffff_ffff_f000n])
      : random.chance(60)
        ? random.pick(sizes)
        : draft.value(old, place.width);
    return described(`function ${entry.index}: ${field}`, draft.set(place, value));
  },
});

function functionPad(draft: Draft): string | undefined {
  const entry = entryOf(draft);
  if (entry === undefined) return undefined;
  const { version } = entry.at;
  const at = version + 1 + draft.random.below(entry.expect - version - 1);
  return described(
    `function ${entry.index}: byte ${at}`,
    draft.set(within(entry.section, entry.base + at, 1), BigInt(1 + draft.random.below(255))),
  );
}

function expectationBits(draft: Draft): string | undefined {
  const entry = entryOf(draft);
  if (entry === undefined) return undefined;
  const { random } = draft;
  const bits = (random.chance(80) ? 1 : 0) | (random.below(32) << 1) | ((random.chance(25) ? random.below(4) : 0) << 6);
  return described(
    `function ${entry.index}: expectation`,
    draft.set(within(entry.section, entry.base + entry.expect, 1), BigInt(bits)),
  );
}

function expectationData(draft: Draft): string | undefined {
  const entry = entryOf(draft);
  if (entry === undefined) return undefined;
  const { random } = draft;
  const at = entry.expect + 1 + random.below(random.chance(70) ? 8 : 31);
  return described(
    `function ${entry.index}: expectation byte ${at - entry.expect - 1}`,
    draft.set(within(entry.section, entry.base + at, 1), BigInt(random.below(256))),
  );
}

const ALT_FIELDS = ['cpuid', 'orig_len', 'repl_len', 'pad_len', 'priv'] as const;

function alternative(draft: Draft): string | undefined {
  const { random } = draft;
  const section = draft.elf.section(ELF_ALTINSTRUCTIONS);
  if (section === undefined || section.size < ALT_INSTR.size) return undefined;
  const entry = random.below(Math.floor(section.size / ALT_INSTR.size));
  const field = random.pick(ALT_FIELDS);
  const place = within(section, entry * ALT_INSTR.size + ALT_INSTR.at[field], field === 'cpuid' ? 2 : 1);
  const value =
    field === 'cpuid'
      ? BigInt(
          random.pick([
            0,
            X86_FEATURE_ALWAYS,
            0x8000 | X86_FEATURE_ALWAYS,
            639,
            671,
            672,
            0x8000 | 672,
            random.below(0x10000),
          ]),
        )
      : draft.value(draft.get(place), 1);
  return described(`alternative ${entry}: ${field}`, draft.set(place, value));
}

/** Any byte of a section that means something to Xen. */
const CONTENTS = [
  '.text',
  ELF_LIVEPATCH_MODINFO,
  ELF_EX_TABLE,
  '.bug_frames.1',
  ELF_ALTINSTR_REPLACEMENT,
  '.rodata.str1.1',
];

function content(draft: Draft): string | undefined {
  const { random } = draft;
  const section = draft.elf.section(random.pick(CONTENTS));
  if (section === undefined || section.size === 0) return undefined;
  const at = random.below(section.size);
  return described(`${section.name}[${at}]`, draft.set(within(section, at, 1), BigInt(random.below(256))));
}

/** Names that mean something to Xen. Hooks are not among them: the simulator does not run a payload's code. */
const NAMES = [
  '.text',
  '.data',
  '.bss',
  '.symtab',
  '.strtab',
  '.bug_frames.0',
  '.bug_frames.1',
  '.bug_frames.2',
  '.bug_frames.3',
  '.bug_frames.4',
  '.alt_call_sites',
  ELF_ALTINSTRUCTIONS,
  ELF_ALTINSTR_REPLACEMENT,
  ELF_EX_TABLE,
  ELF_BUILD_ID_NOTE,
  ELF_LIVEPATCH_MODINFO,
  ELF_LIVEPATCH_FUNC,
  ELF_LIVEPATCH_DEPENDS,
  ELF_LIVEPATCH_XEN_DEPENDS,
];

function rename(draft: Draft): string | undefined {
  const section = draft.section();
  const names = NAMES.filter((name) => name.length <= section.name.length && name !== section.name);
  const at = draft.elf.nameAt(draft.original, section);
  if (names.length === 0 || at + section.name.length >= draft.bytes.length) return undefined;
  const name = draft.random.pick(names);
  draft.bytes.set(fromLatin1(`${name}\0`), at);
  return `${section.name} renamed to ${name}`;
}

/** The name of a section becomes that of another, or its end: `.rela.text` has a `.text` in it. */
function shareName(draft: Draft): string | undefined {
  const { random, elf } = draft;
  const to = draft.section();
  const from = draft.section();
  const start = draft.get(elf.shdr(from, 'sh_name'));
  const skip = from.name.startsWith('.rela.') && random.chance(50) ? 5n : 0n;
  return described(
    `${to.name}: sh_name of ${from.name.slice(Number(skip))}`,
    draft.set(elf.shdr(to, 'sh_name'), start + skip),
  );
}

export const CONTENT_RULES: readonly MutationRule[] = [
  ...(['namesz', 'descsz', 'type', 'owner', 'id'] as const).map(note),
  ...(['newSize', 'oldSize', 'version', ...POINTERS] as const).map(functionRule),
  { name: 'function.pad', mutate: functionPad },
  { name: 'expectation.bits', mutate: expectationBits },
  { name: 'expectation.data', mutate: expectationData },
  { name: 'alternative.field', mutate: alternative },
  { name: 'section.content', mutate: content },
  { name: 'section.rename', mutate: rename },
  { name: 'section.share-name', mutate: shareName },
];
