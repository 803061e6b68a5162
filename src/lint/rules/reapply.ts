import { ELF_LIVEPATCH_FUNC } from '../../xen/index.ts';
import type { LintRule } from '../rule.ts';

/** Writable sections: after a revert, Xen refuses to apply the payload again, and reports it only in the payload's rc. Source: move_payload. */
export const reapply: LintRule = {
  id: 'reapply',
  *check({ content }) {
    if (content.safeToReapply) return;
    const names = content.writableSections.map(({ name }) => name).filter((name) => name !== ELF_LIVEPATCH_FUNC);
    const hooks = names.filter((name) => name.startsWith('.livepatch.hooks.'));
    const hint = hooks.length === names.length ? ` Make ${hooks.join(', ')} read-only to allow it` : '';
    const message = `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} writable: after a revert, Xen does not apply the payload again until it is uploaded anew.${hint}`;
    yield { message, where: { section: names[0] ?? ELF_LIVEPATCH_FUNC } };
  },
};
