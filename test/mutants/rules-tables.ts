import { SHN_ABS, SHN_COMMON, SHN_LORESERVE, SHN_XINDEX } from '../../src/elf/index.ts';
import type { SymbolPlace } from '../../src/synth/elf-fields.ts';
import type { Draft } from './draft.ts';
import { described, type MutationRule } from './rule.ts';
import { SYM_FIELDS } from './structure-fields.ts';

/** Rules on symbols, relocations and the string tables. */

const SYMBOL_VALUES: Readonly<Record<string, (draft: Draft, symbol: SymbolPlace) => bigint>> = {
  st_name: (draft) => {
    const { random, elf } = draft;
    const other = random.pick(elf.symbols);
    return random.pick([
      0n,
      draft.get(elf.symbol(other, 'st_name')),
      draft.get(elf.symbol(other, 'st_name')) + 1n,
      0xffff_ffffn,
      BigInt(elf.section('.strtab')?.size ?? 0) - 1n,
    ]);
  },
  st_info: ({ random }) => BigInt(random.pick([0, 1, 2, 10]) * 16 + random.pick([0, 1, 2, 3, 4, 5, 6, 10])),
  st_shndx: ({ random, elf }) =>
    BigInt(
      random.pick([
        0,
        random.below(elf.sections.length),
        random.below(elf.sections.length),
        elf.sections.length,
        1000,
        SHN_LORESERVE,
        SHN_ABS,
        SHN_COMMON,
        SHN_XINDEX,
      ]),
    ),
};

const symbolRule = (field: string): MutationRule => ({
  name: `symbol.${field}`,
  mutate: (draft) => {
    const symbol = draft.random.pick(draft.elf.symbols);
    const place = draft.elf.symbol(symbol, field);
    const value = SYMBOL_VALUES[field]?.(draft, symbol) ?? draft.value(draft.get(place), place.width);
    return described(`symbol ${symbol.index} (${symbol.name}): ${field}`, draft.set(place, value));
  },
});

type RelaField = 'offset' | 'type' | 'symbol' | 'addend';

/** The largest `r_type` that the AMD64 supplement defines. */
const LAST_TYPE = 42;

const RELA_VALUES: Readonly<Record<RelaField, (draft: Draft, old: bigint, targetSize: number) => bigint>> = {
  type: ({ random }) =>
    BigInt(random.pick([random.below(LAST_TYPE + 1), random.below(5), 1, 2, 4, 255, random.word()])),
  symbol: ({ random, elf }) =>
    BigInt(
      random.pick([
        0,
        random.below(elf.symbols.length),
        random.below(elf.symbols.length),
        elf.symbols.length,
        10_000,
        0xffff_ffff,
      ]),
    ),
  offset: (draft, old, targetSize) =>
    draft.random.pick([
      BigInt(targetSize),
      BigInt(targetSize - 4),
      BigInt(targetSize - 8),
      BigInt(draft.random.below(targetSize + 1)),
      draft.value(old, 8),
    ]),
  addend: (draft, old) =>
    draft.random.pick([
      old + 1n,
      old - 1n,
      1n << 31n,
      -(1n << 31n),
      1n << 32n,
      draft.value(old, 8),
      BigInt(draft.random.below(4096)),
    ]),
};

const relocationRule = (field: RelaField): MutationRule => ({
  name: `relocation.${field}`,
  mutate: (draft) => {
    const { random, elf } = draft;
    const sections = elf.relocationSections;
    if (sections.length === 0) return undefined;
    const section = random.pick(sections);
    const entry = random.below(elf.relaCount(section));
    const place = elf.rela(section, entry, field);
    const targetSize = elf.sections[section.info]?.size ?? 0;
    return described(
      `${section.name}[${entry}]: ${field}`,
      draft.set(place, RELA_VALUES[field](draft, draft.get(place), targetSize)),
    );
  },
});

/** First and last bytes of the string tables have to be NUL. */
function stringTable(draft: Draft): string | undefined {
  const table = draft.elf.section(draft.random.pick(['.strtab', '.shstrtab']));
  if (table === undefined || table.size === 0) return undefined;
  const at = table.offset + draft.random.pick([0, table.size - 1, draft.random.below(table.size)]);
  return described(
    `${table.name}[${at - table.offset}]`,
    draft.set({ at, width: 1 }, BigInt(draft.random.pick([0, 0x41, 0x2e, 0xff]))),
  );
}

export const TABLE_RULES: readonly MutationRule[] = [
  ...SYM_FIELDS.map(symbolRule),
  ...(['offset', 'type', 'symbol', 'addend'] as const).map(relocationRule),
  { name: 'strings.byte', mutate: stringTable },
];
