import { sectionPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';
import { lastUpTo } from '../search.ts';

/** Code that is unsafe in a hypervisor because it was compiled without Xen's flags. Reports each function and flag once. */
export const wrongFlags: LintRule = {
  id: 'wrong-flags',
  *check(context) {
    const { arch, content } = context;
    let left = content.elf.bytes.length;
    for (const section of context.codeSections) {
      const code = section.data();
      // Only overlapping sections exceed the size of the file.
      left -= code.length;
      if (left < 0) return;
      for (const { flag, harm, mayBeAt, is } of arch.code?.foreign ?? []) {
        const reported = new Set<number>();
        for (const at of mayBeAt(code)) {
          const func = context.functionAt(section.index, at);
          if (func === undefined || reported.has(func.offset)) continue;
          const start = func.offset;
          const instructions = context.newInstructions(func);
          const there = lastUpTo(instructions, at - start, (each) => each.offset);
          if (there?.kind !== 'instruction' || at - start >= there.offset + there.size) continue;
          const first = start + there.offset;
          if (!is(there, code.subarray(first, first + there.size))) continue;
          reported.add(start);
          const message = `${func.symbol} has \`${there.text}\`: ${harm}. Compile it like Xen, with ${flag}`;
          yield { message, where: sectionPlace(context, section.index, first, func.symbol) };
        }
      }
    }
  },
};
