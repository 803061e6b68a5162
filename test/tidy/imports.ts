import { posix } from 'node:path';
import { FILES, textOf } from './tree.ts';

/** One import in a source file. */
export interface Import {
  readonly file: string;
  readonly specifier: string;
  /** The file that a relative specifier names, relative to the checkout; `undefined` for a package. */
  readonly target: string | undefined;
}

/** Removes comments, because a path in a comment is no import. */
const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');

/** Returns every import in a text: `from '…'`, `import '…'`, `import('…')` of values and of types, `require('…')`. */
export function specifiersOf(text: string): string[] {
  const pattern = /(?<![#.\w])(?:from|import|import\s*\(|require\s*\()\s*(['"`])([^'"`\n]+)\1/g;
  return [...withoutComments(text).matchAll(pattern)].map(([, , specifier = '']) => specifier);
}

/** Whether a script wrote this module of data. */
export const isGenerated = (path: string): boolean => path.startsWith('src/cli/embedded/');

export const SOURCES = FILES.filter((path) => path.startsWith('src/') && path.endsWith('.ts'));

/** Every import in the sources, type imports included. */
export const IMPORTS: readonly Import[] = SOURCES.filter((path) => !isGenerated(path)).flatMap((file) =>
  specifiersOf(textOf(file) ?? '').map((specifier) => ({
    file,
    specifier,
    target: specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : undefined,
  })),
);
