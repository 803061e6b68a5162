import { s64 } from '../../base/index.ts';
import { pointerWords, sectionPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/** An x86 bug frame has 24 bits for a distance. Source: asm-x86/bug.h, struct bug_frame. */
const FRAME_REACH = 1n << 23n;

/**
 * A distance that does not fit into its field wherever Xen may place the payload, not only where the simulated host has placed it. Sources:
 * arch/x86/livepatch.c, arch_livepatch_perform_rela; xen/arch/x86/mm.c for the bounds of VMAP_XEN.
 */
export const relocationReach: LintRule = {
  id: 'relocation-reach',
  title: 'a relocation does not reach its target from everywhere that Xen may place the payload',
  severity: 'error',
  saidBy: ['relocation-overflow'],
  *check(context) {
    const { image, release, content } = context;
    const { start, end } = image.vmapXen(release);
    const frames = new Set(content.bugFrames.map(({ section }) => section.index));
    for (const section of context.loadedSections) {
      for (const { offset, row, target, name, addend } of context.relocationsOf(section)) {
        if (row?.formula !== 'S + A - P' || row.overflow === 'none') continue;
        if (target.kind === 'section' || target.kind === 'null') {
          // Both move together: only an addend of its own size is out of reach.
          const fits = addend >= -0x8000_0000n && addend < 0x8000_0000n;
          if (!fits) {
            yield {
              message: `the addend ${addend} of ${name} does not fit into ${row.width} bytes`,
              where: sectionPlace(context, section.index, offset, name),
            };
          }
          continue;
        }
        const address = context.addressOf(target);
        if (address === undefined) continue;
        const farthest = [s64(address - start), s64(address - end)];
        const reach = 1n << BigInt(row.width * 8 - 1);
        const inFrame = frames.has(section.index);
        const limit = inFrame ? FRAME_REACH : reach;
        const near = farthest.every((distance) => distance >= -limit && distance < limit);
        if (near) continue;
        const what = inFrame
          ? `a bug frame reaches 8 MiB, and ${pointerWords(context, target)} is in the hypervisor: the frame will name another place`
          : `${pointerWords(context, target)} is more than 2 GiB away from a place where Xen may load the payload: upload fails there`;
        yield { message: what, where: sectionPlace(context, section.index, offset, name) };
      }
    }
  },
};
