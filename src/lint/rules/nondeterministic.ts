import { latin1 } from '../../base/index.ts';
import { SHF_EXECINSTR, STT_FILE } from '../../elf/index.ts';
import type { LintRule } from '../rule.ts';

/** Formats of `__DATE__` and `__TIME__`. Source: ISO C, 6.10.8.1. */
const DATE = /\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0-3]\d (?:19|20)\d\d\b/;
const TIME = /(?<![\d:])[0-2]\d:[0-5]\d:[0-5]\d(?![\d:])/;
/** Absolute paths in typical build folders, which differ from machine to machine. */
const BUILD_PATH =
  /(?<![\w./])\/(?:home|tmp|var\/tmp|build|builddir|usr\/src|root|Users|mnt|srv|opt|workspace)\/[\w.+/-]+/;
/** Names of the compiler's temporary files. */
const TEMPORARY = /^(?:\{standard input\}|cc[A-Za-z0-9]{6}\.[so])$/;

/** Content that differs in another build of the same sources: the build-id then does not identify the sources. */
export const nondeterministic: LintRule = {
  id: 'nondeterministic',
  *check(context) {
    let left = context.content.elf.bytes.length;
    for (const section of context.loadedSections) {
      // Only overlapping sections exceed the size of the file.
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
            : 'Set SOURCE_DATE_EPOCH, or remove it';
        const message = `${section.name} contains the ${what} "${found[0].slice(0, 80)}", which differs in every build. ${fix}`;
        yield { message, where: { section: section.name, offset: found.index } };
      }
    }
    const { symbols } = context.content.elf;
    const stride = symbols.section?.entsize ?? 0;
    for (let i = 1; i < symbols.count; i++) {
      if (symbols.type(i) !== STT_FILE) continue;
      const name = symbols.name(i);
      if (!name.startsWith('/') && !TEMPORARY.test(name)) continue;
      const message = `the file symbol ${name.slice(0, 80)} depends on the build machine. Build with relative paths`;
      yield { message, where: { section: '.symtab', offset: i * stride, symbol: name } };
    }
  },
};
