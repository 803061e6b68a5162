import { didYouMean } from './did-you-mean.ts';
import { beyondLimit, SCRIPT_LIMITS } from './limits.ts';
import {
  placeText,
  type ScriptEntry,
  type ScriptList,
  type ScriptNode,
  type ScriptPlace,
  scriptError,
} from './node.ts';
import { pathFrom } from './paths.ts';
import { entriesOf } from './scope.ts';
import { hasReference, VARIABLE_NAME } from './variables.ts';

/** A scenario file merged with the files that it includes at its top. The file itself has precedence, then its last include. */
export interface MergedFile {
  readonly place: ScriptPlace;
  readonly title: ScriptEntry | undefined;
  /** Settings with one value. */
  readonly settings: ReadonlyMap<string, ScriptEntry>;
  /** Settings and variables with several values, in order. */
  readonly matrix: ReadonlyMap<string, ScriptEntry>;
  readonly variables: ReadonlyMap<string, ScriptEntry>;
  readonly payloads: ReadonlyMap<string, ScriptEntry>;
  readonly steps: ScriptList | undefined;
}

/** Parses a file. `place` is where the file is named. Rejects with an XspliceError (EFILE). */
export type LoadFile = (path: string, place: ScriptPlace | null) => Promise<ScriptNode>;

const KEYS = ['title', 'include', 'variables', 'matrix', 'payloads', 'steps'];

/** The names of settings. */
export interface SettingNames {
  readonly all: readonly string[];
  /** The settings that a matrix may vary. */
  readonly varied: readonly string[];
}

/** The chain of includes that led to a file, from the scenario down. Throws an XspliceError (EFILE) if it is too long or a cycle. */
export class IncludeChain {
  readonly paths: readonly string[];
  readonly #count: { included: number };

  constructor(paths: readonly string[], count: { included: number } = { included: 0 }) {
    this.paths = paths;
    this.#count = count;
  }

  with(path: string, place: ScriptPlace): IncludeChain {
    if (this.paths.includes(path)) throw scriptError(place, `${path} includes itself`);
    if (this.paths.length > SCRIPT_LIMITS.includeDepth) {
      throw beyondLimit(placeText(place), 'files that include one another', SCRIPT_LIMITS.includeDepth);
    }
    if (++this.#count.included > SCRIPT_LIMITS.includes) {
      throw beyondLimit(placeText(place), 'includes', SCRIPT_LIMITS.includes);
    }
    return new IncludeChain([...this.paths, path], this.#count);
  }
}

/** Reads a file and merges its top includes. */
export async function mergeFile(
  path: string,
  place: ScriptPlace | null,
  load: LoadFile,
  chain: IncludeChain,
  names: SettingNames,
): Promise<MergedFile> {
  const node = await load(path, place);
  if (node.kind !== 'map') throw scriptError(node.place, 'a scenario is a mapping: xen: …, steps: …');
  const known = [...KEYS, ...names.all];
  const own = new Map<string, ScriptEntry>();
  for (const entry of node.entries) {
    if (!known.includes(entry.key)) {
      const message = `unknown key ${entry.key} in a scenario${didYouMean(entry.key, known)}`;
      throw scriptError(entry.keyPlace, message, `known keys: ${known.join(', ')}`);
    }
    own.set(entry.key, entry);
  }
  const settings = new Map<string, ScriptEntry>();
  const matrix = new Map<string, ScriptEntry>();
  const variables = new Map<string, ScriptEntry>();
  const payloads = new Map<string, ScriptEntry>();
  for (const include of includesOf(own.get('include'))) {
    const inner = pathFrom(include.place, include.path);
    const part = await mergeFile(inner, include.place, load, chain.with(inner, include.place), names);
    for (const [key, entry] of part.settings) setOne(key, entry, settings, matrix);
    for (const [key, entry] of part.matrix) setOne(key, entry, matrix, settings);
    for (const [key, entry] of part.variables) variables.set(key, entry);
    for (const [key, entry] of part.payloads) payloads.set(key, entry);
  }
  const varied = new Map<string, ScriptEntry>();
  for (const key of names.all) {
    const entry = own.get(key);
    if (entry === undefined) continue;
    if (names.varied.includes(key) && entry.value.kind === 'list') varied.set(key, entry);
    else setOne(key, entry, settings, matrix);
  }
  for (const entry of entriesOf(own.get('matrix')?.value, 'matrix')) {
    checkVaried(entry, names);
    const twice = own.get(entry.key);
    if (twice !== undefined && names.all.includes(entry.key)) {
      throw scriptError(twice.keyPlace, `${entry.key} is both a setting and in matrix`, 'leave one of them out');
    }
    varied.set(entry.key, entry);
  }
  for (const [key, entry] of varied) setOne(key, entry, matrix, settings);
  for (const entry of entriesOf(own.get('variables')?.value, 'variables')) variables.set(entry.key, entry);
  for (const entry of entriesOf(own.get('payloads')?.value, 'payloads')) payloads.set(entry.key, entry);
  return {
    place: node.place,
    title: own.get('title'),
    settings,
    matrix,
    variables,
    payloads,
    steps: stepsOf(own.get('steps')),
  };
}

/** Adds an entry, which overrides an earlier one of that key, be it a value or a list for the matrix. */
function setOne(
  key: string,
  entry: ScriptEntry,
  into: Map<string, ScriptEntry>,
  other: Map<string, ScriptEntry>,
): void {
  other.delete(key);
  into.set(key, entry);
}

function stepsOf(entry: ScriptEntry | undefined): ScriptList | undefined {
  if (entry === undefined) return undefined;
  if (entry.value.kind === 'list') return entry.value;
  throw scriptError(entry.value.place, 'steps has to be a list', 'one step a line: - apply: hello');
}

function includesOf(entry: ScriptEntry | undefined): { path: string; place: ScriptPlace }[] {
  if (entry === undefined) return [];
  const nodes = entry.value.kind === 'list' ? entry.value.items : [entry.value];
  return nodes.map((node) => {
    if (node.kind !== 'scalar' || typeof node.value !== 'string') {
      throw scriptError(node.place, 'include has to be the name of a file, or a list of them');
    }
    if (hasReference(node.value)) {
      const hint = 'an include among the steps does';
      throw scriptError(node.place, 'the include at the top of a file takes no variables', hint);
    }
    return { path: node.value, place: node.place };
  });
}

/** Checks an entry of the matrix. Throws an XspliceError (EFILE). */
function checkVaried({ key, keyPlace, value }: ScriptEntry, { all, varied }: SettingNames): void {
  if (all.includes(key) && !varied.includes(key)) {
    throw scriptError(keyPlace, `a matrix cannot vary ${key}`, `it varies ${varied.join(', ')}, and variables`);
  }
  if (!VARIABLE_NAME.test(key)) {
    throw scriptError(
      keyPlace,
      `invalid variable name ${key}`,
      'use letters, digits, _ and -, beginning with a letter',
    );
  }
  if (value.kind !== 'list') throw scriptError(value.place, `${key} has to be a list of values in a matrix`);
}
