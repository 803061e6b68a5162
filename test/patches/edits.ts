import type { Random } from '../mutants/random.ts';
import type { Edit } from './edit.ts';
import { STATEMENT_EDITS } from './edits-statements.ts';
import { STRUCTURE_EDITS } from './edits-structure.ts';
import { Generator } from './generate.ts';
import { type Program, sites } from './model.ts';

/** Every kind of edit. */
export const EDITS: readonly Edit[] = [...STATEMENT_EDITS, ...STRUCTURE_EDITS];
const TOTAL = EDITS.reduce((sum, { weight }) => sum + weight, 0);

/** Draws an edit by weight. */
function draw(random: Random): Edit {
  let left = random.below(TOTAL);
  for (const edit of EDITS) {
    if (left < edit.weight) return edit;
    left -= edit.weight;
  }
  throw new Error('the weights add up to more than their sum');
}

/** What was done to a program. */
export interface Made {
  readonly edit: string;
  readonly what: string;
}

/** Returns a changed copy of a program and what changed: one edit, or a few. */
export function edited(program: Program, random: Random): { readonly after: Program; readonly edits: readonly Made[] } {
  for (;;) {
    const after = structuredClone(program);
    const generator = new Generator(random, after);
    const edits: Made[] = [];
    const wanted = random.chance(60) ? 1 : 2 + random.below(2);
    for (let tries = 0; edits.length < wanted && tries < 100; tries++) {
      const edit = draw(random);
      const what = edit.apply(after, generator);
      if (what !== undefined) edits.push({ edit: edit.name, what });
    }
    if (edits.length > 0 && !exchangesVariable(program, after)) return { after, edits };
  }
}

/**
 * Does a variable go where another one of its name comes? Such a source reads as if it were the same variable, so that nobody can say which
 * state is right.
 */
function exchangesVariable(before: Program, after: Program): boolean {
  const [old, now] = [placesOf(before), placesOf(after)];
  const gone = new Set([...old].filter(([id]) => !now.has(id)).map(([, place]) => place));
  return [...now].some(([id, place]) => !old.has(id) && gone.has(place));
}

/** Returns the scope and name of each variable, by id. */
function placesOf(program: Program): Map<number, string> {
  const places = new Map<number, string>();
  for (const { name: file, variables } of program.files)
    for (const { id, name } of variables) places.set(id, `${file} ${name}`);
  for (const { func, statement } of sites(program)) {
    if (statement.kind === 'local' || statement.kind === 'once')
      places.set(statement.variable.id, `${func.id} ${statement.variable.name}`);
  }
  return places;
}
