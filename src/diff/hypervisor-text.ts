import type { Address } from '../base/index.ts';
import { SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_NOBITS } from '../elf/index.ts';
import { bytesOf, type Piece } from './piece.ts';
import type { XenNames } from './xen-names.ts';

/** A place in the hypervisor: bytes from the start of a symbol that its loader finds. */
export interface NamedPlace {
  readonly name: string;
  readonly at: number;
}

/** Symbols that are tried in front of a text, until one has a name of its own. */
const SYMBOLS = 64;

const BUG_FRAMES = /^\.bug_frames\.\d+$/;

/** The hypervisor's own copies of texts that the payload would have its own of. */
export class HypervisorTexts {
  readonly #names: XenNames;
  readonly #found = new Map<string, NamedPlace | undefined>();

  constructor(names: XenNames) {
    this.#names = names;
  }

  /**
   * That of a text which a bug frame points at, where Xen handles the frames of payloads only as long as their texts are in its own image: a WARN would
   * end in an unexpected trap otherwise. `undefined` where that is not so, and where it has no such text.
   * Source: arch/arm/traps.c, do_bug_frame (is_kernel).
   */
  forBugFrame(from: Piece, piece: Piece): NamedPlace | undefined {
    const { bugFramesOfPayloads } = this.#names.image.arch.execution;
    if (bugFramesOfPayloads !== 'without-names' || !BUG_FRAMES.test(from.section.name)) return undefined;
    const text = bytesOf(piece);
    const key = text.join();
    if (!this.#found.has(key)) this.#found.set(key, this.#find(text));
    return this.#found.get(key);
  }

  #find(text: Uint8Array): NamedPlace | undefined {
    for (const section of this.#names.image.elf.sections) {
      const { flags, type, addr } = section;
      if ((flags & (SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR)) !== SHF_ALLOC || type === SHT_NOBITS) continue;
      const at = indexOf(section.data(), text);
      const place = at < 0 ? undefined : this.#named(addr + BigInt(at));
      if (place !== undefined) return place;
    }
    return undefined;
  }

  #named(address: Address): NamedPlace | undefined {
    if (this.#names.isInit(address)) return undefined;
    const symbols = this.#names.image.symbolsFor(this.#names.release);
    let before = address;
    for (let i = 0; i < SYMBOLS; i++) {
      const symbol = symbols.at(before);
      if (symbol === undefined) return undefined;
      const start = before - BigInt(symbol.at);
      if (symbols.byName(symbol.name) === start) return { name: symbol.name, at: Number(address - start) };
      before = start - 1n;
    }
    return undefined;
  }
}

/** Where `part` is in `whole`; -1 where it is not. */
function indexOf(whole: Uint8Array, part: Uint8Array): number {
  const [first] = part;
  if (first === undefined) return -1;
  for (let at = whole.indexOf(first); at >= 0; at = whole.indexOf(first, at + 1)) {
    let i = 1;
    while (i < part.length && whole[at + i] === part[i]) i++;
    if (i === part.length) return at;
  }
  return -1;
}
