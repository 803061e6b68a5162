import { ELF_LIVEPATCH_FUNC, livepatchFunc } from '../../xen/index.ts';
import type { LintRule } from '../rule.ts';

/**
 * The file sets the byte `applied`, in which releases since 4.14 store whether a function is patched, while they keep it in the payload. Xen
 * writes its other bytes before it reads them. Source: public/sysctl.h; common/livepatch.c, common_livepatch_apply; 82182ad7b4.
 */
export const stateInFile: LintRule = {
  id: 'state-in-file',
  *check({ content, release, arch }) {
    const { at } = livepatchFunc(release.funcLayout, arch.elf.pointerSize);
    if (at.applied === undefined) return;
    for (const { offset, rest, name, index } of content.functions?.entries ?? []) {
      const applied = rest[at.applied - at.version - 1] ?? 0;
      if (applied === 0) continue;
      const message = `entry ${index} (${name ?? 'without a name'}) has applied set to ${applied}: ${release.version} assumes that the function is already patched and skips it. Clear the bytes after version`;
      yield { message, where: { section: ELF_LIVEPATCH_FUNC, offset } };
    }
  },
};
