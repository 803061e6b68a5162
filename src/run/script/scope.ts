import { XspliceError } from '../../base/index.ts';
import { checkValue } from './check-value.ts';
import { didYouMean } from './did-you-mean.ts';
import { beyondLimit, SCRIPT_LIMITS } from './limits.ts';
import { type ScriptEntry, type ScriptNode, type ScriptPlace, scriptError } from './node.ts';
import { pathFrom } from './paths.ts';
import type { PayloadSource } from './types.ts';
import { type ScriptBudget, substitute, type Variables } from './variables.ts';

/** The schemas, which are loaded only when a scenario is read. */
export type Schemas = typeof import('./file-schema.ts');

/** An entry of `payloads:`, and the variables of its file. */
export interface NamedPayload {
  readonly entry: ScriptEntry;
  readonly variables: Variables;
}

/** Everything that a step can refer to. */
export interface Scope {
  readonly variables: Variables;
  readonly payloads: ReadonlyMap<string, NamedPayload>;
  readonly schemas: Schemas;
  readonly budget: ScriptBudget;
}

/** Returns the payload with a key. Throws an XspliceError (EFILE) if there is none, or it depends on itself. */
export function namedPayload(key: string, place: ScriptPlace, scope: Scope, depth = 0): PayloadSource {
  const named = scope.payloads.get(key);
  if (named === undefined) {
    const known = [...scope.payloads.keys()];
    const hint = known.length === 0 ? 'give its file: { name: …, file: … }' : `payloads: ${known.join(', ')}`;
    throw scriptError(place, `there is no payload ${key}${didYouMean(key, known)}`, hint);
  }
  if (depth > SCRIPT_LIMITS.dependsDepth) {
    throw beyondLimit(place.file, `payloads that depend on one another, such as ${key}`, SCRIPT_LIMITS.dependsDepth);
  }
  const value = substitute(named.entry.value, named.variables, scope.budget);
  const spec =
    value.kind === 'scalar'
      ? { file: checkValue(scope.schemas.textSchema, value, key) }
      : checkValue(scope.schemas.payloadSchema, value, key);
  return payloadSource(spec, value, scope, depth);
}

/** Makes a payload of `file`, `fit` and `depends`; `node` is the mapping that holds them. */
export function payloadSource(
  spec: { readonly file: string; readonly fit?: boolean; readonly depends?: string },
  node: ScriptNode,
  scope: Scope,
  depth = 0,
): PayloadSource {
  const place = fieldPlace(node, 'file');
  const { file, fit = false, depends } = spec;
  if (depends !== undefined && !fit) {
    const hint = 'a payload without fit already contains its dependency';
    throw scriptError(fieldPlace(node, 'depends'), 'depends is for payloads with fit: true', hint);
  }
  const below = depends === undefined ? null : namedPayload(depends, fieldPlace(node, 'depends'), scope, depth + 1);
  return { path: pathFrom(place, file), place, fit, depends: below };
}

/** Returns the place of a key's value, or of the mapping if the key is absent. */
export function fieldPlace(node: ScriptNode, key: string): ScriptPlace {
  const entry = node.kind === 'map' ? node.entries.find((each) => each.key === key) : undefined;
  return entry?.value.place ?? node.place;
}

/** Returns the entries of a mapping; an absent value counts as an empty one. Throws an XspliceError (EFILE) for anything else. */
export function entriesOf(node: ScriptNode | undefined, what: string): readonly ScriptEntry[] {
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return [];
  if (node.kind === 'map') return node.entries;
  throw scriptError(node.place, `${what} has to be a mapping`);
}

/** Runs `read`, and prefixes its EFILE errors with the place that names the file. */
export async function atPlace<T>(place: ScriptPlace | null, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (place === null || !(error instanceof XspliceError) || error.code !== 'EFILE') throw error;
    throw scriptError(place, error.message, error.hint);
  }
}
