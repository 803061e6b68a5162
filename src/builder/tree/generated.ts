import type { Finding } from '../../base/index.ts';
import { about } from '../../diff/index.ts';
import type { GeneratedText } from './commands.ts';
import { type PairMaker, withoutMarkers } from './object-pair.ts';
import type { OutcomeCache } from './outcome-cache.ts';
import { type Compiled, runCompiler } from './run-compiler.ts';
import type { Side } from './sides.ts';

/** Texts only for the EFI image, which live patches do not support. */
const UNUSED = /(?:^|\/)efi\.lds$/;

/** Does the tree generate headers from this text? */
export const isForHeaders = ({ object }: GeneratedText): boolean => object.endsWith('.i');

/** Result for generated texts. */
export interface GeneratedTexts {
  readonly problems: readonly Finding[];
  /** Did one change from which headers are generated? */
  readonly makesHeaders: boolean;
}

/**
 * Checks preprocessed texts that depend on the change. The linker script must stay the same, because the hypervisor is not linked
 * again; for assembly macros and the list of hypercalls, headers are regenerated.
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
