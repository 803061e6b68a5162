import { hex } from '../../base/index.ts';
import type { HookKind } from '../../xen/index.ts';
import { companions } from '../payload-set.ts';
import type { LintRule } from '../rule.ts';

/** Hooks that can veto an action. Source: common/livepatch.c, livepatch_payload_has_vetoing_hooks. */
const VETOING: readonly HookKind[] = ['preapply', 'postapply', 'prerevert', 'postrevert'];

/**
 * A cumulative payload, or one that it will replace, has hooks that make REPLACE fail (-EOPNOTSUPP). Payloads of a set are cumulative if at
 * least two depend on the hypervisor itself.
 */
export const replaceHooks: LintRule = {
  id: 'replace-hooks',
  coveredBy: ['replace-with-hooks'],
  *check(context) {
    const { content, image, release } = context;
    if (!release.actionHooks || image.buildId === null) return;
    const xen = hex(image.buildId);
    if (content.identity.depends?.id !== xen) return;
    const other = companions(context).find((each) => each.content.identity.depends?.id === xen);
    if (other === undefined) return;
    for (const { kind, section, entries } of content.hooks) {
      if (!VETOING.includes(kind) || entries.every((pointer) => pointer.kind === 'null')) continue;
      const message = `the payload has a ${kind} hook and, like ${other.file}, depends on the hypervisor, so one must replace the other; Xen refuses REPLACE if either has such a hook`;
      yield { message, where: { section: section.name } };
    }
  },
};
