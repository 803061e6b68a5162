import { type Architecture, checkedRange, inRange, type RelocationRow, type ValueRange } from '../../arch/index.ts';
import { type Address, addOffset, type Found, hexAddress, s64 } from '../../base/index.ts';
import type { ElfSection } from '../../elf/index.ts';
import type { LintContext } from '../context.ts';
import type { PayloadRelocation } from '../payload-relocations.ts';
import { sectionPlace, signed, targetText } from '../places.ts';
import type { LintRule } from '../rule.ts';

/**
 * A PC-relative value that is out of range somewhere in the area where Xen may place the payload, not only where the simulated host placed it.
 * Sources: arch_livepatch_perform_rela of each architecture; xen/arch/x86/mm.c and asm-arm/config.h for the bounds of VMAP_XEN.
 */
export const relocationReach: LintRule = {
  id: 'relocation-reach',
  coveredBy: ['relocation-overflow', 'arm64-tstbr-range'],
  *check(context) {
    const { arch, image, release, content } = context;
    const { start, end } = image.vmapXen(release);
    const frames = new Set(content.bugFrames.map(({ section }) => section.index));
    for (const section of context.loadedSections) {
      for (const relocation of context.relocationsOf(section)) {
        const { offset, row, target, name, addend } = relocation;
        if (row === undefined || row.relative === 'no' || row.range === null) continue;
        const where = sectionPlace(context, section.index, offset, name);
        if (target.kind === 'section' || target.kind === 'null') {
          // Both move together, so the file decides their distance.
          const to = target.kind === 'section' ? loadOffset(context, target.section, target.offset) : undefined;
          const place = loadOffset(context, section.index, offset);
          // Pointers ignore an addend that is wider than 32 bits.
          const left = BigInt.asIntN(32, addend) === addend ? 0n : addend;
          const value = to === undefined || place === undefined ? addend : distance(arch, row, to + left, place);
          if (inRange(row.range, value)) continue;
          const message = `${name}${signed(addend)} is more than ${reach(row.range, value)} away: ${row.name} does not reach it, and ${outcome(row, value)}`;
          yield { message, where };
          continue;
        }
        const address = context.addressOf(target);
        if (address === undefined) continue;
        if (frames.has(section.index)) {
          yield* inFrame(context, section, relocation, address);
          continue;
        }
        for (const place of [start, end]) {
          const value = distance(arch, row, address, place);
          if (inRange(row.range, value)) continue;
          const message = `${targetText(context, target)} is more than ${reach(row.range, value)} away from a place where Xen may load the payload: ${outcome(row, value)} there`;
          yield { message, where };
          break;
        }
      }
    }
  },
};

/** Returns the value of a relative row in the architecture's arithmetic. */
function distance(arch: Architecture, { relative }: RelocationRow, to: Address, place: Address): bigint {
  const pages = relative === 'page' ? ~0xfffn : ~0n;
  return BigInt.asIntN(arch.elf.pointerSize * 8, (to & pages) - (place & pages));
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Returns how far a range reaches in the direction of a value outside it: `128 MiB`. */
function reach({ min, max }: ValueRange, value: bigint): string {
  let size = value < 0n ? -min : max + 1;
  let unit = 0;
  for (; size % 1024 === 0 && unit < UNITS.length - 1; unit++) size /= 1024;
  return `${size} ${UNITS[unit]}`;
}

/** Describes what Xen does with a value that the ABI does not allow. */
const outcome = (row: RelocationRow, value: bigint): string =>
  inRange(checkedRange(row), value) ? 'Xen silently truncates it' : 'the upload fails';

/** Returns a place's offset in bytes from the loaded payload's start; `undefined` if its section is not loaded. */
function loadOffset({ content }: LintContext, section: number, offset: number): bigint | undefined {
  const { rwOffset, roOffset, sections } = content.placement;
  const placed = sections[section];
  if (placed === undefined || placed.kind === 'ignored') return undefined;
  const region = placed.kind === 'ro' ? roOffset : placed.kind === 'rw' ? rwOffset : 0n;
  return region + BigInt(placed.offset + offset);
}

/** Tells whether a field at `place` that reaches `size` bytes each way can encode the address. */
function fits(address: Address, place: Address, size: bigint): boolean {
  const bytes = s64(address - place);
  return bytes >= -size && bytes < size;
}

/**
 * Checks a bug frame's field, without the bits of the line that it may also hold. It is an error only if the frame does not reach from the
 * lowest address for payloads; Xen uses higher ones only if other payloads are loaded.
 */
function* inFrame(
  context: LintContext,
  section: ElfSection,
  { offset, target, name, addend }: PayloadRelocation,
  address: Address,
): Generator<Found, void, void> {
  const { arch, image, release } = context;
  const { reach } = arch.bugFrames;
  const whole = Number(BigInt.asIntN(32, addend));
  const displacement = arch.objects?.bugFrameDisplacement(whole) ?? whole;
  const location = addOffset(address, displacement - whole);
  const { start, end } = image.vmapXen(release);
  const first = start + (loadOffset(context, section.index, offset) ?? 0n);
  const size = `${reach >> 20n} MiB`;
  const shown = targetText(context, target.kind === 'undefined' ? { ...target, addend: 0n } : target);
  const where = sectionPlace(context, section.index, offset, name);
  if (!fits(location, first, reach)) {
    const message = `a bug frame reaches ${size}, and ${shown} in the hypervisor is out of reach of all payload addresses: the frame will refer to the wrong place`;
    yield { message, where };
  } else if (!fits(location, end, reach)) {
    const message = `a bug frame reaches ${size}, and reaches ${shown} in the hypervisor only from payload addresses below ${hexAddress(location + reach)}`;
    yield { message, where, severity: 'note' };
  }
}
