import { hex } from '../../base/index.ts';
import type { HookKind } from '../../xen/index.ts';
import { companions } from '../payload-set.ts';
import type { LintRule } from '../rule.ts';

/** Hooks that may veto. Source: common/livepatch.c, livepatch_payload_has_vetoing_hooks. */
const VETOING: readonly HookKind[] = ['preapply', 'postapply', 'prerevert', 'postrevert'];

/**
 * A cumulative payload, or one that such a payload is to replace, has hooks that REPLACE refuses (-EOPNOTSUPP). It is cumulative where it, as another
 * one of the set, depends on the hypervisor itself.
 */
export const replaceHooks: LintRule = {
  id: 'replace-hooks',
  saidBy: ['replace-with-hooks'],
  *check(context) {
    const { content, image, release } = context;
    if (!release.actionHooks || image.buildId === null) return;
    const xen = hex(image.buildId);
    if (content.identity.depends?.id !== xen) return;
    const other = companions(context).find((each) => each.content.identity.depends?.id === xen);
    if (other === undefined) return;
    for (const { kind, section, entries } of content.hooks) {
      if (!VETOING.includes(kind) || entries.every((pointer) => pointer.kind === 'null')) continue;
      const message = `a ${kind} hook: the payload depends on the hypervisor, as ${other.file} does, so that one of them is to replace the other, and Xen refuses REPLACE while either has such a hook`;
      yield { message, where: { section: section.name } };
    }
  },
};
