import { XspliceError } from '../../base/index.ts';
import { checkValue } from './check-value.ts';
import type { ScriptFiles } from './files.ts';
import { beyondLimit, SCRIPT_LIMITS } from './limits.ts';
import { cellText, combinations, type MatrixCell } from './matrix.ts';
import { IncludeChain, type LoadFile, type MergedFile, mergeFile, type SettingNames } from './merge.ts';
import { placeText, type ScriptList, type ScriptNode, scriptError } from './node.ts';
import { pathFrom } from './paths.ts';
import { includeOf, readStep } from './read-step.ts';
import { atPlace, type NamedPayload, type Schemas, type Scope } from './scope.ts';
import type { ScenarioCell, ScriptSettings, ScriptStep } from './types.ts';
import {
  defineVariables,
  hasReference,
  ScriptBudget,
  substitute,
  type Variables,
  type VariableValue,
} from './variables.ts';
import { parseYaml } from './yaml-file.ts';

/** Settings from the command line, which override those of a file. */
export type ScriptOverrides = Omit<ScriptSettings, 'xen'>;

/**
 * Reads a scenario file with its includes, and expands its matrix. Returns a cell for each run; the last key of the matrix varies fastest. Rejects
 * with an XspliceError (EFILE) that names file, line and column of the first problem.
 *
 * @param path of the file, relative to the root of `files`.
 */
export async function loadScenario(
  path: string,
  files: ScriptFiles,
  overrides: ScriptOverrides = {},
): Promise<ScenarioCell[]> {
  return new Loader(files, overrides, await import('./file-schema.ts')).load(path);
}

class Loader {
  readonly #files: ScriptFiles;
  readonly #overrides: ScriptOverrides;
  readonly #schemas: Schemas;
  readonly #names: SettingNames;
  /** Each file is read and parsed once. */
  readonly #nodes = new Map<string, ScriptNode>();
  #steps = 0;

  constructor(files: ScriptFiles, overrides: ScriptOverrides, schemas: Schemas) {
    this.#files = files;
    this.#overrides = overrides;
    this.#schemas = schemas;
    this.#names = { all: Object.keys(schemas.SETTING_SCHEMAS), varied: schemas.VARIED };
  }

  async load(path: string): Promise<ScenarioCell[]> {
    const chain = new IncludeChain([path]);
    const file = await mergeFile(path, null, this.#node, chain, this.#names);
    const name = this.#files.name(path);
    if (file.steps === undefined || file.steps.items.length === 0) {
      const hint = 'give a file that is only included a name that begins with _';
      throw new XspliceError('EFILE', `${name}: has no steps`, hint);
    }
    const overridden = new Map(Object.entries(this.#overrides));
    const matrix = new Map([...file.matrix].filter(([key]) => !overridden.has(key)));
    const cells: ScenarioCell[] = [];
    for (const cell of combinations(matrix, name)) cells.push(await this.#cell(name, file, file.steps, cell, chain));
    return cells;
  }

  readonly #node: LoadFile = async (path, place) => {
    const known = this.#nodes.get(path);
    if (known !== undefined) return known;
    const text = await atPlace(place, () => this.#files.readText(path, SCRIPT_LIMITS.fileBytes));
    const node = await parseYaml({ file: this.#files.name(path), path, text });
    this.#nodes.set(path, node);
    return node;
  };

  async #cell(
    name: string,
    file: MergedFile,
    list: ScriptList,
    cell: MatrixCell,
    chain: IncludeChain,
  ): Promise<ScenarioCell> {
    const budget = new ScriptBudget();
    const variables = defineVariables([...file.variables.values()], this.#given(file, cell), budget);
    const scope: Scope = { variables, payloads: named(file, variables), schemas: this.#schemas, budget };
    const steps: ScriptStep[] = [];
    await this.#expand(list, scope, chain, steps);
    return {
      file: name,
      title: this.#title(file, scope) ?? name,
      cell: cellText(cell),
      settings: this.#settings(file, cell, scope),
      steps,
    };
  }

  /** Returns the variables that exist before `variables:`: the keys of the matrix, and the settings that it may vary. */
  #given(file: MergedFile, cell: MatrixCell): Variables {
    const given = new Map<string, VariableValue>();
    for (const key of this.#schemas.VARIED) {
      const value = file.settings.get(key)?.value;
      if (value?.kind !== 'scalar') continue;
      if (typeof value.value !== 'string' || !hasReference(value.value)) given.set(key, value.value);
    }
    for (const [key, value] of cell) given.set(key, value);
    for (const key of this.#schemas.VARIED) {
      const value = this.#overrides[key];
      if (value !== undefined) given.set(key, typeof value === 'number' ? BigInt(value) : value);
    }
    return given;
  }

  #title(file: MergedFile, scope: Scope): string | undefined {
    if (file.title === undefined) return undefined;
    const node = substitute(file.title.value, scope.variables, scope.budget);
    return checkValue(this.#schemas.textSchema, node, 'title');
  }

  #settings(file: MergedFile, cell: MatrixCell, scope: Scope): ScriptSettings {
    const found: Record<string, unknown> = {};
    for (const [key, schema] of Object.entries(this.#schemas.SETTING_SCHEMAS)) {
      const entry = file.settings.get(key) ?? file.matrix.get(key);
      if (entry === undefined || key in this.#overrides) continue;
      const varied = cell.get(key);
      const node: ScriptNode =
        varied === undefined
          ? substitute(entry.value, scope.variables, scope.budget)
          : { kind: 'scalar', value: varied, place: entry.value.place };
      const value = checkValue(schema, node, key);
      found[key] = key === 'xen' ? { path: pathFrom(node.place, String(value)), place: node.place } : value;
    }
    return { ...(found as ScriptSettings), ...this.#overrides };
  }

  /** Expands the includes among steps. */
  async #expand(list: ScriptList, scope: Scope, chain: IncludeChain, into: ScriptStep[]): Promise<void> {
    for (const node of list.items) {
      const last = into[into.length - 1];
      if (last !== undefined && last.panics !== null) {
        const hint = 'the host is down after that step: end the scenario there';
        throw scriptError(node.place, `a step after ${last.text}`, hint);
      }
      const include = includeOf(node);
      if (include !== undefined) {
        await this.#include(substitute(include, scope.variables, scope.budget), scope, chain, into);
        continue;
      }
      into.push(readStep(node, scope));
      if (into.length > SCRIPT_LIMITS.steps) throw beyondLimit(placeText(node.place), 'steps', SCRIPT_LIMITS.steps);
      if (++this.#steps > SCRIPT_LIMITS.stepsOfAll) {
        throw beyondLimit(placeText(node.place), 'steps in all runs', SCRIPT_LIMITS.stepsOfAll);
      }
    }
  }

  async #include(node: ScriptNode, scope: Scope, chain: IncludeChain, into: ScriptStep[]): Promise<void> {
    const name = checkValue(this.#schemas.textSchema, node, 'include');
    const path = pathFrom(node.place, name);
    const inner = chain.with(path, node.place);
    const file = await mergeFile(path, node.place, this.#node, inner, this.#names);
    if (file.steps === undefined) throw scriptError(node.place, `${name} has no steps`);
    const variables = defineVariables([...file.variables.values()], scope.variables, scope.budget);
    const payloads = new Map([...named(file, variables), ...scope.payloads]);
    await this.#expand(file.steps, { ...scope, variables, payloads }, inner, into);
  }
}

const named = (file: MergedFile, variables: Variables): Map<string, NamedPayload> =>
  new Map([...file.payloads].map(([key, entry]) => [key, { entry, variables }]));
