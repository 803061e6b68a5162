import { XspliceError } from '../../base/index.ts';

/** A place in a scenario file. Lines and columns count from 1. */
export interface ScriptPlace {
  /** The file's name for messages. */
  readonly file: string;
  /** Path relative to the scenario's root, for reading. */
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

/** A value in a scenario file, and its place. Texts are byte strings. */
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

/** Formats a place: `dir/x.yaml:3:5`. */
export const placeText = ({ file, line, column }: ScriptPlace): string => `${file}:${line}:${column}`;

/** Longest message, in characters: it may quote a key that is as long as the file. */
const LONGEST = 400;

const cut = (text: string): string => (text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`);

/** Makes the error for a problem in a scenario file. */
export const scriptError = (place: ScriptPlace, message: string, hint?: string): XspliceError =>
  new XspliceError('EFILE', `${placeText(place)}: ${cut(message)}`, hint === undefined ? undefined : cut(hint));

/** Returns the entry of a key; `undefined` if the node is not a mapping, or has no such key. */
export const entryOf = (node: ScriptNode, key: string): ScriptEntry | undefined =>
  node.kind === 'map' ? node.entries.find((entry) => entry.key === key) : undefined;

/** Converts a node to a plain value. Mappings become objects without a prototype. */
export function plainValue(node: ScriptNode): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(plainValue);
  return Object.fromEntries(node.entries.map(({ key, value }) => [key, plainValue(value)]));
}

/** Follows a path of keys and indices. Returns the last node on it that exists. */
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

/** Describes the kind of a node for messages. */
export function kindText(node: ScriptNode): string {
  if (node.kind === 'list') return 'a list';
  if (node.kind === 'map') return 'a mapping';
  if (node.value === null) return 'nothing';
  if (typeof node.value === 'bigint') return 'a number';
  return typeof node.value === 'boolean' ? String(node.value) : 'text';
}
