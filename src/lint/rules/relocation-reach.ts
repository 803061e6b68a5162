import { type Address, addOffset, hexAddress, s64 } from '../../base/index.ts';
import type { ElfSection } from '../../elf/index.ts';
import type { LintContext } from '../context.ts';
import type { PayloadRelocation } from '../payload-relocations.ts';
import { pointerWords, sectionPlace } from '../places.ts';
import type { LintProblem, LintRule } from '../rule.ts';

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
      for (const relocation of context.relocationsOf(section)) {
        const { offset, row, target, name, addend } = relocation;
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
        if (frames.has(section.index)) {
          yield* inFrame(context, section, relocation, address);
          continue;
        }
        const reach = 1n << BigInt(row.width * 8 - 1);
        if (fits(address, start, reach) && fits(address, end, reach)) continue;
        const message = `${pointerWords(context, target)} is more than 2 GiB away from a place where Xen may load the payload: upload fails there`;
        yield { message, where: sectionPlace(context, section.index, offset, name) };
      }
    }
  },
};

/** Does a field at `place` that reaches so far lead to the address? */
function fits(address: Address, place: Address, reach: bigint): boolean {
  const distance = s64(address - place);
  return distance >= -reach && distance < reach;
}

/**
 * A bug frame's field. Where its architecture keeps bits of the line in it, too, they are no part of the distance. An error only where the frame does not
 * reach from the first place that Xen has for a payload: further ones are taken when there are others before it.
 */
function* inFrame(
  context: LintContext,
  section: ElfSection,
  { offset, target, name, addend }: PayloadRelocation,
  address: Address,
): Generator<LintProblem, void, void> {
  const { arch, image, release, content } = context;
  const { reach } = arch.bugFrames;
  const whole = Number(BigInt.asIntN(32, addend));
  const displacement = arch.objects?.bugFrameDisplacement(whole) ?? whole;
  const leadsTo = addOffset(address, displacement - whole);
  const { start, end } = image.vmapXen(release);
  const { rwOffset, roOffset, sections } = content.placement;
  const within = sections[section.index] ?? { kind: 'ignored', offset: 0 };
  const region = within.kind === 'ro' ? roOffset : within.kind === 'rw' ? rwOffset : 0n;
  const first = start + region + BigInt(within.offset + offset);
  const size = `${reach >> 20n} MiB`;
  const shown = pointerWords(context, target.kind === 'undefined' ? { ...target, addend: 0n } : target);
  const where = sectionPlace(context, section.index, offset, name);
  if (!fits(leadsTo, first, reach)) {
    const message = `a bug frame reaches ${size}, and ${shown} is in the hypervisor, further away from all places for payloads: the frame will name another place`;
    yield { message, where };
  } else if (!fits(leadsTo, end, reach)) {
    const message = `a bug frame reaches ${size}, and ${shown} is in the hypervisor: it does so from the first places for payloads only, below ${hexAddress(leadsTo + reach)}`;
    yield { message, where, severity: 'note' };
  }
}
