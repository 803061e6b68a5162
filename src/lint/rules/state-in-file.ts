import { ELF_LIVEPATCH_FUNC, livepatchFunc } from '../../xen/index.ts';
import type { LintRule } from '../rule.ts';

/**
 * Bytes behind `version` that are not zero: Xen's own state in releases that keep it in the payload, where an `applied` byte makes Xen believe that
 * the function is patched already. Source: public/sysctl.h; common/livepatch.c, common_livepatch_apply; 82182ad7b4.
 */
export const stateInFile: LintRule = {
  id: 'state-in-file',
  title: "an entry of .livepatch.funcs carries bytes that are Xen's own",
  severity: 'error',
  *check({ content, release, arch }) {
    const { at } = livepatchFunc(release.funcLayout, arch.elf.pointerSize);
    for (const { offset, rest, name, index } of content.functions?.entries ?? []) {
      const first = rest.findIndex((byte) => byte !== 0);
      if (first < 0) continue;
      const applied = at.applied === undefined ? 0 : (rest[at.applied - at.version - 1] ?? 0);
      const what =
        applied === 0
          ? `byte ${at.version + 1 + first} is not zero; it belongs to Xen, and is to be zero`
          : `the byte that says applied is ${applied}: ${release.version} believes that the function is patched, and leaves it unpatched`;
      const message = `entry ${index} (${name ?? 'without a name'}): ${what}. Clear the bytes behind version`;
      yield { message, where: { section: ELF_LIVEPATCH_FUNC, offset } };
    }
  },
};
