import type { Finding } from '../../base/index.ts';
import { about } from '../../diff/index.ts';
import type { GeneratedText } from './commands.ts';
import { type PairMaker, withoutMarkers } from './object-pair.ts';
import type { OutcomeCache } from './outcome-cache.ts';
import { type Compiled, runCompiler } from './run-compiler.ts';
import type { Side } from './sides.ts';

/** Texts that only ever serve the image for EFI, which no live patch is made for. */
const UNUSED = /(?:^|\/)efi\.lds$/;

/** Are headers made of this text in turn, by the tree's own rules? */
export const isForHeaders = ({ object }: GeneratedText): boolean => object.endsWith('.i');

/** What became of generated texts. */
export interface GeneratedTexts {
  readonly problems: readonly Finding[];
  /** Did one change that headers are made of? */
  readonly makesHeaders: boolean;
}

/**
 * Texts that the build makes with the preprocessor from what has changed: the linker script has to stay the same, as nothing
 * is linked again; headers are made anew of macros for assembly and of the list of hypercalls.
 */
export async function generatedTexts(
  texts: readonly GeneratedText[],
  maker: PairMaker,
  cache: OutcomeCache,
  keyOf: (text: GeneratedText) => string,
): Promise<GeneratedTexts> {
  const { tree, sides, output, tool } = maker;
  const problems: Finding[] = [];
  let makesHeaders = false;
  for (const text of texts) {
    if (UNUSED.test(text.object) || cache.find(keyOf(text)) !== undefined) continue;
    const run = (side: Side) =>
      runCompiler({ place: sides.place(side), top: tree.top, output, tool }, text, [], 'text');
    const before = await run('before');
    const after = await run('after');
    const errors = [before, after].find((result) => result.kind === 'errors');
    if (errors?.kind === 'errors') {
      const reason = `${text.object} cannot be made again:\n${errors.lines.join('\n')}`;
      problems.push(about('generated-text', text.object, null, reason));
      continue;
    }
    if (before.kind !== 'compiled' || after.kind !== 'compiled') continue;
    if (withoutMarkers(before.bytes) === withoutMarkers(after.bytes)) {
      const files = (side: Side, { dependencies }: Compiled) =>
        dependencies.map((name) => sides.pathOf(side, text, name));
      cache.keep(keyOf(text), { kind: 'same' }, { before: files('before', before), after: files('after', after) });
      continue;
    }
    if (isForHeaders(text)) {
      makesHeaders = true;
      continue;
    }
    const message = `${text.object}, which the build makes from ${text.source}, changes: more than compiled objects depend on it`;
    problems.push(about('generated-text', text.object, null, message));
  }
  return { problems, makesHeaders };
}
