import type { Architecture } from '../../arch/index.ts';
import { SHF_ALLOC, SHF_WRITE } from '../../elf/index.ts';
import { ELF_LIVEPATCH_FUNC, RELEASES, type Release } from '../../xen/index.ts';
import type { LintRule } from '../rule.ts';

/** Tells whether apply writes to the section while its pages are read-only. Sources: 82182ad7b4 for the writes, 8676092a0f for the pages. */
const panics = (release: Release, arch: Architecture): boolean =>
  release.stateInPayload && !arch.relaxesReadOnly(release);

/**
 * `.livepatch.funcs` without SHF_WRITE on a release that keeps its state there and does not make payload pages writable: the first store
 * of arch_livepatch_apply faults.
 */
export const funcsReadOnly: LintRule = {
  id: 'funcs-read-only',
  *check({ content, release, arch }) {
    const section = content.functions?.section;
    if (section === undefined || (section.flags & SHF_ALLOC) === 0 || (section.flags & SHF_WRITE) !== 0) return;
    if (!panics(release, arch)) return;
    const hosts = RELEASES.filter((each) => panics(each, arch)).map(({ version }) => version);
    const message = `${release.version} keeps its state in ${ELF_LIVEPATCH_FUNC}, which is read-only: apply page-faults, as on ${hosts.join(', ')}. Make the section writable for these hosts`;
    yield { message, where: { section: section.name } };
  },
};
