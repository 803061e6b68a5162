import { latin1 } from '../../base/index.ts';
import { SHF_EXECINSTR, STT_FILE } from '../../elf/index.ts';
import type { LintRule } from '../rule.ts';

/** What `__DATE__` and `__TIME__` become. Source: ISO C, 6.10.8.1. */
const DATE = /\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0-3]\d (?:19|20)\d\d\b/;
const TIME = /(?<![\d:])[0-2]\d:[0-5]\d:[0-5]\d(?![\d:])/;
/** Folders in which things are built; the rest of the path is what differs from one machine to the next. */
const BUILD_PATH =
  /(?<![\w./])\/(?:home|tmp|var\/tmp|build|builddir|usr\/src|root|Users|mnt|srv|opt|workspace)\/[\w.+/-]+/;
/** Names that the compiler makes up for its temporary files. */
const TEMPORARY = /^(?:\{standard input\}|cc[A-Za-z0-9]{6}\.[so])$/;

/** Bytes of the file that another build of the same sources would have otherwise: the payload's build-id then says nothing of its sources. */
export const nondeterministic: LintRule = {
  id: 'nondeterministic',
  *check(context) {
    let left = context.content.elf.bytes.length;
    for (const section of context.loadedSections) {
      // More than the file has only sections that overlap have.
      left -= section.data().length;
      if ((section.flags & SHF_EXECINSTR) !== 0 || left < 0) continue;
      const text = latin1(section.data());
      for (const [what, pattern] of [
        ['date', DATE],
        ['time', TIME],
        ['path', BUILD_PATH],
      ] as const) {
        const found = pattern.exec(text);
        if (found === null) continue;
        const fix =
          what === 'path'
            ? 'Build with -fmacro-prefix-map and -ffile-prefix-map'
            : 'Set SOURCE_DATE_EPOCH, or leave it out';
        const message = `${section.name} holds the ${what} "${found[0].slice(0, 80)}", which the next build has not. ${fix}`;
        yield { message, where: { section: section.name, offset: found.index } };
      }
    }
    const { symbols } = context.content.elf;
    const stride = symbols.section?.entsize ?? 0;
    for (let i = 1; i < symbols.count; i++) {
      if (symbols.type(i) !== STT_FILE) continue;
      const name = symbols.name(i);
      if (!name.startsWith('/') && !TEMPORARY.test(name)) continue;
      const message = `the source file's symbol is ${name.slice(0, 80)}, a name of the machine on which it was built. Build with relative paths`;
      yield { message, where: { section: '.symtab', offset: i * stride, symbol: name } };
    }
  },
};
