import { XspliceError } from '../../base/index.ts';
import { checkValue } from './check-value.ts';
import { beyondLimit, SCRIPT_LIMITS } from './limits.ts';
import { meant } from './meant.ts';
import { type ScriptEntry, type ScriptNode, type ScriptPlace, scriptError } from './node.ts';
import { pathFrom } from './paths.ts';
import type { PayloadSource } from './types.ts';
import { type ScriptBudget, substitute, type Variables } from './variables.ts';

/** The schemas, which are loaded when a scenario is read. */
export type Schemas = typeof import('./file-schema.ts');

/** A payload of `payloads:`, and the variables of the file that names it. */
export interface NamedPayload {
  readonly entry: ScriptEntry;
  readonly variables: Variables;
}

/** What a step can refer to. */
export interface Scope {
  readonly variables: Variables;
  readonly payloads: ReadonlyMap<string, NamedPayload>;
  readonly schemas: Schemas;
  readonly budget: ScriptBudget;
}

/** The payload of that key. Throws an XspliceError (EFILE) where there is none, or where it goes on top of itself. */
export function namedPayload(key: string, place: ScriptPlace, scope: Scope, depth = 0): PayloadSource {
  const named = scope.payloads.get(key);
  if (named === undefined) {
    const known = [...scope.payloads.keys()];
    const hint = known.length === 0 ? 'name its file: { name: …, file: … }' : `payloads has: ${known.join(', ')}`;
    throw scriptError(place, `there is no payload ${key}${meant(key, known)}`, hint);
  }
  if (depth > SCRIPT_LIMITS.dependsDepth) {
    throw beyondLimit(place.file, `payloads on top of one another, as ${key}`, SCRIPT_LIMITS.dependsDepth);
  }
  const value = substitute(named.entry.value, named.variables, scope.budget);
  const spec =
    value.kind === 'scalar'
      ? { file: checkValue(scope.schemas.textSchema, value, key) }
      : checkValue(scope.schemas.payloadSchema, value, key);
  return payloadSource(spec, value, scope, depth);
}

/** A payload as `file`, `fit` and `depends` say it; `node` is where they are written. */
export function payloadSource(
  spec: { readonly file: string; readonly fit?: boolean; readonly depends?: string },
  node: ScriptNode,
  scope: Scope,
  depth = 0,
): PayloadSource {
  const place = fieldPlace(node, 'file');
  const { file, fit = false, depends } = spec;
  if (depends !== undefined && !fit) {
    const hint = 'a payload that is taken as it is has its dependency in it already';
    throw scriptError(fieldPlace(node, 'depends'), 'depends is for payloads with fit: true', hint);
  }
  const below = depends === undefined ? null : namedPayload(depends, fieldPlace(node, 'depends'), scope, depth + 1);
  return { path: pathFrom(place, file), place, fit, depends: below };
}

/** Where the value of a key is, or else its mapping. */
export function fieldPlace(node: ScriptNode, key: string): ScriptPlace {
  const entry = node.kind === 'map' ? node.entries.find((each) => each.key === key) : undefined;
  return entry?.value.place ?? node.place;
}

/** The entries of a mapping; nothing counts as an empty one. Throws an XspliceError (EFILE) for anything else. */
export function entriesOf(node: ScriptNode | undefined, what: string): readonly ScriptEntry[] {
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return [];
  if (node.kind === 'map') return node.entries;
  throw scriptError(node.place, `${what} has to be a mapping`);
}

/** Runs `read`, and puts the place of whoever named the file in front of what it rejects with. */
export async function atPlace<T>(place: ScriptPlace | null, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (place === null || !(error instanceof XspliceError) || error.code !== 'EFILE') throw error;
    throw scriptError(place, error.message, error.hint);
  }
}
