import { type Finding, finding } from '../base/index.ts';
import { CATALOGUE } from '../catalogue/index.ts';
import { staticLocals } from '../dwarf/index.ts';
import { about } from './about.ts';
import { type Correlation, VARIABLES } from './correlation.ts';
import type { DebugData } from './debug-data.ts';
import { isLocalStatic } from './local-statics.ts';
import { nameOf, type Piece } from './piece.ts';
import type { StaticChoice } from './types.ts';
import type { Side } from './unit.ts';

/** Refuses a patch after which nobody can tell which static variables keep the values that they have on the host. */
export function staticRefusals(correlation: Correlation, object: string, debug: () => DebugData): Finding[] {
  const file = correlation.patched.object.file ?? object;
  return correlation.ambiguities.map(({ before, after }) => {
    const { orig, patched } = debug();
    const [was, is] = [textOf(before, orig), textOf(after, patched)];
    const choice = (old: Piece | undefined): string =>
      `--static ${file}#${nameOf(after[0] as Piece)}=${old === undefined ? 'new' : nameOf(old)}`;
    const readings = [...before, undefined].slice(0, 3).map(choice);
    const name = nameOf(after[0] as Piece);
    const message = `more than one reading of static variables with the same name: before the patch ${was}; after it ${is}. Each of those after may be one of those before, and keep its value, or be new`;
    const advice = `Say which is which, for each variable after the patch: ${readings.join(', or ')}`;
    return about('static-ambiguous', object, name, message, advice);
  });
}

/** `n.0 (int in f, common/a.c:4) and n.1 (int in f, common/a.c:9)`. */
function textOf(pieces: readonly Piece[], debug: DebugData['orig']): string {
  const locals = debug === undefined ? [] : staticLocals(debug);
  const texts = pieces.map((piece) => {
    const local = locals.find(({ section, offset }) => section === piece.section.index && offset === piece.start);
    if (local === undefined) return `${nameOf(piece)} (${piece.end - piece.start} bytes)`;
    const { declaration, type, scope } = local;
    return `${nameOf(piece)} (${type} in ${scope}${declaration === undefined ? '' : `, ${declaration.file}:${declaration.line}`})`;
  });
  return texts.join(' and ');
}

/** Refuses what the user says of variables that no object has. */
export function unknownChoices(correlations: readonly Correlation[], choices: readonly StaticChoice[]): Finding[] {
  const has = ({ object }: Side, name: string): boolean =>
    object.pieces(...VARIABLES).some((piece) => isLocalStatic(piece) && nameOf(piece) === name);
  return choices.flatMap(({ file, after, before }) => {
    const known = correlations.some(
      ({ orig, patched }) =>
        (file === null || file === patched.object.file) &&
        has(patched, after) &&
        (before === null || has(orig, before)),
    );
    if (known) return [];
    const where = file === null ? 'no object' : `no object of ${file}`;
    const was = before === null ? '' : `, or no ${before} before it`;
    return finding('static-unknown', {
      message: `--static: ${where} has a static variable ${after} after the patch${was}`,
      where: { ...(file !== null && { file }), symbol: after },
      advice: CATALOGUE['static-unknown'].advice,
    });
  });
}
