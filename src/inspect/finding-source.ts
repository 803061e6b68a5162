import type { DocumentPlace, SourceLine } from '../documents/index.ts';
import { type DwarfFile, type Inflate, readDwarf, sourceAt, sourceInSection } from '../dwarf/index.ts';
import type { ElfFile } from '../elf/index.ts';
import type { Image } from '../hypervisor/index.ts';
import type { PayloadFile as LivepatchFile } from '../payload/index.ts';
import { ELF_LIVEPATCH_FUNC } from '../xen/index.ts';
import { payloadSpot } from './payload-spot.ts';

/** Cache of debug data: several payloads share one image. */
const opened = new WeakMap<ElfFile, DwarfFile | null>();

/** Finds the source lines of findings in the debug information of the payload and of the hypervisor. */
export class FindingSources {
  readonly #payload: LivepatchFile | undefined;
  readonly #image: Pick<Image, 'elf'>;
  readonly #inflate: Inflate | undefined;

  constructor(payload: LivepatchFile | undefined, image: Pick<Image, 'elf'>, inflate: Inflate | undefined) {
    this.#payload = payload;
    this.#image = image;
    this.#inflate = inflate;
  }

  /** Returns the source line of a place; for an entry of `.livepatch.funcs`, that of its new function. */
  of(where: DocumentPlace): SourceLine | undefined {
    const payload = this.#payload;
    const place = payload && (codePlace(payload, where) ?? newFunction(payload, where));
    if (payload !== undefined && place !== undefined) {
      const dwarf = this.#dwarf(payload.elf);
      return dwarf && sourceInSection(dwarf, place.section, place.offset);
    }
    const dwarf = where.address === undefined ? undefined : this.#dwarf(this.#image.elf);
    return dwarf && sourceAt(dwarf, BigInt(where.address ?? 0));
  }

  #dwarf(elf: ElfFile): DwarfFile | undefined {
    let dwarf = opened.get(elf);
    if (dwarf === undefined) {
      dwarf = readDwarf(elf, this.#inflate === undefined ? {} : { inflate: this.#inflate }) ?? null;
      opened.set(elf, dwarf);
    }
    return dwarf ?? undefined;
  }
}

/** A place in a payload: a section's index, and bytes from its start. */
interface Spot {
  readonly section: number;
  readonly offset: number;
}

function codePlace(payload: LivepatchFile, where: DocumentPlace): Spot | undefined {
  const spot = payloadSpot(payload, where);
  return spot && { section: spot.section.index, offset: spot.offset };
}

/** Returns the place of an entry's new function; `undefined` if the place is in no entry, or the payload lacks the function. */
function newFunction(
  payload: LivepatchFile,
  { section, offset }: DocumentPlace,
): { section: number; offset: number } | undefined {
  if (section !== ELF_LIVEPATCH_FUNC || offset === undefined) return undefined;
  const { functions } = payload;
  const entry = functions?.entries[Math.floor(offset / functions.entrySize)];
  return entry?.newAddr.kind === 'section' ? entry.newAddr : undefined;
}
