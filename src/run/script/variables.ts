import { didYouMean } from './did-you-mean.ts';
import { beyondLimit, SCRIPT_LIMITS } from './limits.ts';
import { type ScriptEntry, type ScriptNode, type ScriptPlace, scriptError } from './node.ts';

/** A valid name in `${name}`. */
export const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** The value of a variable, which is never a list or a mapping. */
export type VariableValue = string | bigint | boolean | null;

/** Variables by name. */
export type Variables = ReadonlyMap<string, VariableValue>;

/** What is left of the limits of one run. */
export class ScriptBudget {
  #texts: number = SCRIPT_LIMITS.textsBytes;
  #buffers: number = SCRIPT_LIMITS.buffersBytes;

  /** Counts text with substituted variables. Throws an XspliceError (EFILE) beyond the limit. */
  text(bytes: number, place: ScriptPlace): void {
    this.#texts -= bytes;
    if (this.#texts < 0) throw beyondLimit(place.file, 'bytes of text with variables in it', SCRIPT_LIMITS.textsBytes);
  }

  /** Counts a buffer. Throws an XspliceError (EFILE) beyond the limit. */
  buffer(bytes: number, place: ScriptPlace): void {
    this.#buffers -= bytes;
    if (this.#buffers < 0) throw beyondLimit(place.file, 'bytes in buffers', SCRIPT_LIMITS.buffersBytes);
  }
}

/** `$${` stands for `${` itself. */
const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;

/** Does the text contain `${…}`? */
export const hasReference = (text: string): boolean => text.includes('${');

/**
 * Substitutes the variables in a text. A text that consists of one `${name}` becomes the variable's value, so that a number stays a number. Throws an
 * XspliceError (EFILE) for an unknown or invalid name.
 */
export function substituteText(
  text: string,
  variables: Variables,
  place: ScriptPlace,
  budget: ScriptBudget,
): VariableValue {
  if (!hasReference(text)) return text;
  const lookUp = (name: string, closed: string): VariableValue => {
    const value = variables.get(name);
    if (closed === '')
      throw scriptError(
        place,
        'a variable that is begun and not ended',
        'its name stands between { and }; a second $ in front takes the two characters as they are',
      );
    if (value !== undefined) return value;
    const known = [...variables.keys()];
    const hint = known.length === 0 ? 'no variables are defined' : `variables: ${known.join(', ')}`;
    throw scriptError(place, `there is no variable ${name}${didYouMean(name, known)}`, hint);
  };
  const whole = /^\$\{([^}]*)\}$/.exec(text);
  if (whole !== null) {
    const value = lookUp(whole[1] ?? '', '}');
    if (typeof value === 'string') budget.text(value.length, place);
    return value;
  }
  let size = 0;
  const result = text.replace(REFERENCE, (all, name: string | undefined, closed = '') => {
    const part = name === undefined ? '${' : String(lookUp(name, closed) ?? '');
    size += part.length - all.length;
    if (text.length + size > SCRIPT_LIMITS.textBytes) {
      throw beyondLimit(place.file, 'bytes in one text with variables in it', SCRIPT_LIMITS.textBytes);
    }
    return part;
  });
  budget.text(result.length, place);
  return result;
}

/** Substitutes the variables in every text of a node, but not in keys. */
export function substitute(node: ScriptNode, variables: Variables, budget: ScriptBudget): ScriptNode {
  if (node.kind === 'list') return { ...node, items: node.items.map((item) => substitute(item, variables, budget)) };
  if (node.kind === 'map') {
    const entries = node.entries.map(
      (entry): ScriptEntry => ({ ...entry, value: substitute(entry.value, variables, budget) }),
    );
    return { ...node, entries };
  }
  if (typeof node.value !== 'string') return node;
  return { ...node, value: substituteText(node.value, variables, node.place, budget) };
}

/** Checks a variable's name and value. Throws an XspliceError (EFILE). */
export function variableOf({ key, keyPlace, value }: ScriptEntry): VariableValue {
  if (!VARIABLE_NAME.test(key)) {
    throw scriptError(
      keyPlace,
      `invalid variable name ${key}`,
      'use letters, digits, _ and -, beginning with a letter',
    );
  }
  if (value.kind !== 'scalar') throw scriptError(value.place, `${key}: a variable is text, a number, true or false`);
  return value.value;
}

/** Adds a file's `variables:` to those given, which have precedence. Later ones may use earlier ones. */
export function defineVariables(
  entries: readonly ScriptEntry[],
  outer: Variables,
  budget: ScriptBudget,
): Map<string, VariableValue> {
  const variables = new Map(outer);
  for (const entry of entries) {
    const value = variableOf(entry);
    if (outer.has(entry.key)) continue;
    variables.set(
      entry.key,
      typeof value === 'string' ? substituteText(value, variables, entry.value.place, budget) : value,
    );
  }
  return variables;
}
