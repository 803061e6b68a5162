import type * as Yaml from 'yaml';
import { XspliceError } from '../../base/index.ts';
import { byteText } from './byte-text.ts';
import { beyondLimit, SCRIPT_LIMITS } from './limits.ts';
import { type ScriptEntry, type ScriptNode, type ScriptPlace, scriptError } from './node.ts';

/** A YAML file: its name for messages, and its path, from which the paths in it start. */
export interface YamlSource {
  readonly file: string;
  readonly path: string;
  readonly text: string;
  /** Hint for an empty file. Default: that a scenario has steps. */
  readonly wanted?: string;
}

/** The float tag of YAML's core schema. It is left out so that the release 4.20 stays text. */
const FLOAT = 'tag:yaml.org,2002:float';

/**
 * Parses a scenario file, or one of that kind, as YAML 1.2. Whole numbers are exact; numbers with a decimal point are text. Rejects with an
 * XspliceError (EFILE) that names line and column of the first syntax error, or the limit that the file exceeds.
 */
export async function parseYaml(source: YamlSource): Promise<ScriptNode> {
  const { file, text } = source;
  if (text.length > SCRIPT_LIMITS.fileBytes) throw beyondLimit(file, 'bytes', SCRIPT_LIMITS.fileBytes);
  const yaml = await import('yaml');
  const lines = new yaml.LineCounter();
  let document: Yaml.Document.Parsed;
  try {
    document = yaml.parseDocument(text, {
      version: '1.2',
      schema: 'core',
      intAsBigInt: true,
      stringKeys: true,
      // The parser compares each key with every other, which is slow in a large file: `Reader` uses a set.
      uniqueKeys: false,
      prettyErrors: false,
      keepSourceTokens: false,
      lineCounter: lines,
      customTags: (tags) => tags.filter((tag) => typeof tag === 'string' || tag.tag !== FLOAT),
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // The parser is recursive.
    throw beyondLimit(file, 'levels', SCRIPT_LIMITS.nesting);
  }
  const reader = new Reader(yaml, document, lines, source);
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) throw scriptError(reader.place(problem.pos[0]), lowerFirst(problem.message));
  if (document.contents === null)
    throw new XspliceError('EFILE', `${file}: is empty`, source.wanted ?? 'a scenario has steps');
  return reader.node(document.contents, 0);
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, '');

class Reader {
  readonly #yaml: typeof Yaml;
  readonly #document: Yaml.Document.Parsed;
  readonly #lines: Yaml.LineCounter;
  readonly #source: YamlSource;
  #values = 0;
  #aliases = 0;

  constructor(yaml: typeof Yaml, document: Yaml.Document.Parsed, lines: Yaml.LineCounter, source: YamlSource) {
    this.#yaml = yaml;
    this.#document = document;
    this.#lines = lines;
    this.#source = source;
  }

  place(offset: number): ScriptPlace {
    const { line, col } = this.#lines.linePos(offset);
    const { file, path } = this.#source;
    return { file, path, line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  node(node: Yaml.Node, depth: number): ScriptNode {
    const yaml = this.#yaml;
    const place = this.place(node.range?.[0] ?? 0);
    const { file } = this.#source;
    if (depth > SCRIPT_LIMITS.nesting) throw beyondLimit(file, 'levels', SCRIPT_LIMITS.nesting);
    if (++this.#values > SCRIPT_LIMITS.values) throw beyondLimit(file, 'values', SCRIPT_LIMITS.values);
    if (yaml.isAlias(node)) {
      if (++this.#aliases > SCRIPT_LIMITS.aliases) throw beyondLimit(file, 'aliases', SCRIPT_LIMITS.aliases);
      const target = node.resolve(this.#document);
      if (target === undefined) throw scriptError(place, `nothing has the anchor &${node.source}`);
      return this.node(target, depth + 1);
    }
    if (yaml.isSeq<Yaml.Node>(node)) {
      return { kind: 'list', items: node.items.map((item) => this.node(item, depth + 1)), place };
    }
    if (yaml.isMap<Yaml.Scalar, Yaml.Node | null>(node)) {
      const seen = new Set<string>();
      const entries: ScriptEntry[] = [];
      for (const { key, value } of node.items) {
        const keyPlace = this.place(key.range?.[0] ?? 0);
        const name = byteText(String(key.value));
        if (seen.has(name)) throw scriptError(keyPlace, `${name} is there twice`);
        seen.add(name);
        const nothing = { kind: 'scalar', value: null, place: keyPlace } as const;
        entries.push({ key: name, keyPlace, value: value === null ? nothing : this.node(value, depth + 1) });
      }
      return { kind: 'map', entries, place };
    }
    const { value } = node as Yaml.Scalar;
    if (typeof value === 'string') return { kind: 'scalar', value: byteText(value), place };
    if (typeof value === 'bigint' || typeof value === 'boolean') return { kind: 'scalar', value, place };
    if (value === null || value === undefined) return { kind: 'scalar', value: null, place };
    throw scriptError(place, 'is neither text nor a whole number', 'put it into quotes');
  }
}
