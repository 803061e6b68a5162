import { hex } from '../../base/index.ts';
import { ELF_BUILD_ID_NOTE, ELF_LIVEPATCH_DEPENDS } from '../../xen/index.ts';
import { chainBelow, companions, withBuildId } from '../payload-set.ts';
import type { LintRule } from '../rule.ts';

/**
 * The order of several payloads: each must be applied on top of what its `.livepatch.depends` names. The check itself reports a dependency
 * that no payload has (`depends-not-given`). Source: common/livepatch.c, build_id_dep.
 */
export const dependencyChain: LintRule = {
  id: 'dependency-chain',
  coveredBy: ['already-loaded'],
  *check(context) {
    const { payload, set, image } = context;
    const { buildId, depends } = payload.content.identity;
    const where = { section: ELF_LIVEPATCH_DEPENDS };
    const twin = companions(context).find(
      ({ content }) => buildId?.id !== undefined && content.identity.buildId?.id === buildId.id,
    );
    if (twin !== undefined) {
      const message = `${twin.file} has the same build-id, ${buildId?.id}: Xen accepts only one of them (EEXIST)`;
      yield { message, where: { section: ELF_BUILD_ID_NOTE } };
    }
    if (depends?.id === undefined || depends.id === (image.buildId === null ? undefined : hex(image.buildId))) return;
    if (depends.id === buildId?.id) {
      yield { message: 'the payload depends on itself, so it can never be applied', where };
      return;
    }
    const below = withBuildId(set, depends.id, payload);
    if (below === undefined) return;
    const chain = chainBelow(context);
    const last = chain.at(-1) ?? below;
    const end = last.content.identity.depends?.id;
    if (end !== undefined && (end === buildId?.id || withBuildId(set, end, last) !== undefined)) {
      const names = [payload, ...chain].map(({ file }) => file).join(', ');
      yield {
        message: `the payloads depend on each other in a cycle: ${names}. None of them can be applied first`,
        where,
      };
      return;
    }
    if (set.indexOf(below) > set.indexOf(payload)) {
      yield { message: `it depends on ${below.file}, which comes after it but must be applied first`, where };
    }
    const mine = payload.content.identity.xenDepends?.id;
    const theirs = below.content.identity.xenDepends?.id;
    if (mine !== undefined && theirs !== undefined && mine !== theirs) {
      const message = `it is for the hypervisor ${mine}, but depends on ${below.file}, which is for ${theirs}: no host accepts both`;
      yield { message, where: { section: '.livepatch.xen_depends' } };
    }
  },
};
