import { XspliceError } from '../../base/index.ts';

/** A place in a scenario file. Lines and columns count from 1. */
export interface ScriptPlace {
  /** As the user would name the file: for messages. */
  readonly file: string;
  /** Relative to the root of the scenario: for reading. */
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

/** What a scenario file holds, with the place of everything. Texts are byte strings. */
export type ScriptNode = ScriptScalar | ScriptList | ScriptMap;

export interface ScriptScalar {
  readonly kind: 'scalar';
  /** Whole numbers are exact. */
  readonly value: string | bigint | boolean | null;
  readonly place: ScriptPlace;
}

export interface ScriptList {
  readonly kind: 'list';
  readonly items: readonly ScriptNode[];
  readonly place: ScriptPlace;
}

export interface ScriptEntry {
  readonly key: string;
  readonly keyPlace: ScriptPlace;
  readonly value: ScriptNode;
}

export interface ScriptMap {
  readonly kind: 'map';
  readonly entries: readonly ScriptEntry[];
  readonly place: ScriptPlace;
}

/** `dir/x.yaml:3:5`. */
export const placeText = ({ file, line, column }: ScriptPlace): string => `${file}:${line}:${column}`;

/** Most characters of a message: a key or a list of names in it may be as long as a file. */
const LONGEST = 400;

const cut = (text: string): string => (text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`);

/** What is wrong with a scenario file, and where. */
export const scriptError = (place: ScriptPlace, message: string, hint?: string): XspliceError =>
  new XspliceError('EFILE', `${placeText(place)}: ${cut(message)}`, hint === undefined ? undefined : cut(hint));

/** The entry of that key, where the node is a mapping that has it. */
export const entryOf = (node: ScriptNode, key: string): ScriptEntry | undefined =>
  node.kind === 'map' ? node.entries.find((entry) => entry.key === key) : undefined;

/** The value alone, as plain JavaScript. Mappings are objects of own properties only. */
export function plainValue(node: ScriptNode): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(plainValue);
  return Object.fromEntries(node.entries.map(({ key, value }) => [key, plainValue(value)]));
}

/** The node that a path of keys and indices leads to, or the last one on the way that there is. */
export function nodeAt(node: ScriptNode, path: readonly PropertyKey[]): ScriptNode {
  let at = node;
  for (const step of path) {
    const next: ScriptNode | undefined =
      at.kind === 'list' ? at.items[Number(step)] : at.kind === 'map' ? entryOf(at, String(step))?.value : undefined;
    if (next === undefined) return at;
    at = next;
  }
  return at;
}

/** What a node is, in words. */
export function kindText(node: ScriptNode): string {
  if (node.kind === 'list') return 'a list';
  if (node.kind === 'map') return 'a mapping';
  if (node.value === null) return 'nothing';
  if (typeof node.value === 'bigint') return 'a number';
  return typeof node.value === 'boolean' ? String(node.value) : 'text';
}
