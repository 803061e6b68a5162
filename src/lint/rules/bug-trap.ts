import { hex } from '../../base/index.ts';
import { SHF_EXECINSTR } from '../../elf/index.ts';
import { bytesAt } from '../../payload/index.ts';
import { targetText } from '../places.ts';
import type { LintRule } from '../rule.ts';

/**
 * A bug frame at whose location there is not this release's trap instruction. The handler does not recognise the trap, so even a WARN panics.
 * Source: 1f3dd605ea (4.22: udb in place of ud2).
 */
export const bugTrap: LintRule = {
  id: 'bug-trap',
  *check(context) {
    const { arch, content, release } = context;
    const trap = arch.execution.bugTrap(release);
    for (const { section, type, entries } of content.bugFrames) {
      for (const { offset, loc, file, line } of entries) {
        const own = loc.kind === 'section' && ((content.elf.sections[loc.section]?.flags ?? 0) & SHF_EXECINSTR) !== 0;
        const there = own ? bytesAt(content.elf, loc, trap.length) : trap;
        if (there.length === trap.length && there.every((byte, i) => byte === trap[i])) continue;
        const source = file === undefined ? '' : ` (${file}:${line})`;
        const message = `the ${type} frame${source} is for ${targetText(context, loc)}, which holds ${hex(there, ' ') || 'nothing'}: the trap of ${release.version} is ${hex(trap, ' ')}, and any other trap there is fatal. Build with this release's headers`;
        yield { message, where: { section: section.name, offset } };
      }
    }
  },
};
