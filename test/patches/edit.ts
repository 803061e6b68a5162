import type { Random } from '../mutants/random.ts';
import type { Generator } from './generate.ts';
import { type Program, type Site, type Statement, sites } from './model.ts';

/** A kind of change of a source. */
export interface Edit {
  readonly name: string;
  /** How often it is drawn, relative to the others. */
  readonly weight: number;
  /** Changes the program. Returns what it did, or `undefined` where there is nothing of the kind. */
  apply(program: Program, generator: Generator): string | undefined;
}

type Kind<K extends Statement['kind']> = Statement & { readonly kind: K };

/** Returns one of the places of a program with such a statement. */
export function site<K extends Statement['kind']>(
  program: Program,
  random: Random,
  kinds: readonly K[],
): (Site & { readonly statement: Kind<K> }) | undefined {
  const found = sites(program).filter(({ statement }) => (kinds as readonly string[]).includes(statement.kind));
  return found.length === 0 ? undefined : (random.pick(found) as Site & { readonly statement: Kind<K> });
}

/** Returns another number than that which is there now. */
export const pickOther = (generator: Generator, now: number): number => {
  const drawn = generator.number();
  return drawn === now ? drawn + 1 : drawn;
};
