import { ELF_LIVEPATCH_FUNC, livepatchFunc } from '../../xen/index.ts';
import type { LintRule } from '../rule.ts';

/**
 * The byte in which 4.14 and later releases keep whether a function is patched, as long as they keep it in the payload, is set in the file. The other
 * bytes that are Xen's own are written before they are read. Source: public/sysctl.h; common/livepatch.c, common_livepatch_apply; 82182ad7b4.
 */
export const stateInFile: LintRule = {
  id: 'state-in-file',
  *check({ content, release, arch }) {
    const { at } = livepatchFunc(release.funcLayout, arch.elf.pointerSize);
    if (at.applied === undefined) return;
    for (const { offset, rest, name, index } of content.functions?.entries ?? []) {
      const applied = rest[at.applied - at.version - 1] ?? 0;
      if (applied === 0) continue;
      const message = `entry ${index} (${name ?? 'without a name'}): the byte that says applied is ${applied}: ${release.version} believes that the function is patched, and leaves it unpatched. Clear the bytes behind version`;
      yield { message, where: { section: ELF_LIVEPATCH_FUNC, offset } };
    }
  },
};
