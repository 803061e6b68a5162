import { equalBytes } from '../../src/base/index.ts';
import type { MutantBase } from './bases.ts';
import { Draft } from './draft.ts';
import { Random } from './random.ts';
import type { MutationRule } from './rule.ts';
import { CONTENT_RULES } from './rules-contents.ts';
import { FILE_RULES } from './rules-file.ts';
import { HEADER_RULES } from './rules-headers.ts';
import { TABLE_RULES } from './rules-tables.ts';

/** All rules. Their order is part of what a seed means. */
export const MUTATION_RULES: readonly MutationRule[] = [
  ...HEADER_RULES,
  ...TABLE_RULES,
  ...CONTENT_RULES,
  ...FILE_RULES,
];

/** One change of a mutant. */
export interface MutantChange {
  readonly rule: string;
  /** In words: `.text: sh_flags 0x6 -> 0x7`. */
  readonly what: string;
}

export interface Mutant {
  readonly seed: number;
  readonly index: number;
  /** Name of the sound payload. */
  readonly base: string;
  /** In the order in which they were made. */
  readonly changes: readonly MutantChange[];
  readonly bytes: Uint8Array;
}

/** How many of a hundred mutants have more than one change, more than two, and more than three. */
const MORE = [30, 40, 40] as const;

/** Rules that may turn out to have nothing to change, before a mutant goes without. */
const ATTEMPTS = 50;

/** The mutant of that seed and index: always the same for the same bases. */
export function makeMutant(bases: readonly MutantBase[], seed: number, index: number): Mutant {
  const random = new Random(seed, index);
  const base = random.pick(bases);
  const draft = new Draft(base.bytes, base.elf, random);
  const wanted = 1 + MORE.findIndex((percent, i) => i === MORE.length - 1 || !random.chance(percent));
  const changes: MutantChange[] = [];
  for (let attempt = 0; attempt < ATTEMPTS && changes.length < wanted; attempt++) {
    const rule = random.pick(MUTATION_RULES);
    const before = draft.bytes.slice();
    const what = rule.mutate(draft);
    // Bytes moved to where the same ones are have changed nothing.
    if (what !== undefined && !equalBytes(before, draft.bytes)) changes.push({ rule: rule.name, what });
  }
  return { seed, index, base: base.name, changes, bytes: draft.bytes };
}
