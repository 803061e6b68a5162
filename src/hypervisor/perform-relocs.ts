import { inRange, type RelocationRow } from '../arch/index.ts';
import { type Address, fromWords, highWord, lowWord, type Place } from '../base/index.ts';
import { SHT_REL, SHT_RELA } from '../elf/index.ts';
import { checkAligned } from './aligned-access.ts';
import { type LoaderElf, type LoaderSection, placeOf } from './elf-load.ts';
import { type Hypervisor, within, wrapped } from './hypervisor.ts';
import { ignoreSection } from './move-payload.ts';
import { LIVEPATCH_ELF_C, Refuser } from './refusal.ts';
import { implicitAddend, placeInstruction, type RelocationTarget, store } from './relocation-place.ts';

/**
 * livepatch_elf_perform_relocs: applies relocations to the loaded copy, in section order and entry order.
 * Source: xen/common/livepatch_elf.c; the architecture's rows define the types (arch_livepatch_perform_rela).
 */
export function performRelocs(hv: Hypervisor, elf: LoaderElf): number {
  return within(hv, 'livepatch_elf_perform_relocs', () => {
    const refuser = new Refuser(hv, LIVEPATCH_ELF_C, elf.name);
    for (const section of elf.sections) {
      if (section === undefined) continue;
      const { sh_type, sh_info, sh_link, sh_size, sh_entsize } = section.header;
      if (sh_type !== SHT_RELA && sh_type !== SHT_REL) continue;
      if (sh_info >= elf.sections.length) continue;
      const target = elf.sections[sh_info];
      if (target === undefined) {
        // Section 0 has no header: Xen reads its sh_flags through a null pointer.
        hv.machine.space.read(NULL_SH_FLAGS, 8);
        continue;
      }
      if (ignoreSection(hv.release, target.header)) continue;
      const refuse = refuser.at(placeOf(section));
      if (sh_link !== elf.symtab.index) {
        const template = 'Relative link of %s is incorrect (%d, expected=%d)';
        return refuse('relocation-symbols', 'EINVAL', template, section.name, sh_link | 0, elf.symtab.index);
      }
      if (sh_size === 0n) continue;
      const { rela, rel } = elf.layout;
      const entry = sh_type === SHT_RELA ? rela.size : rel.size;
      if (sh_entsize < BigInt(entry) || sh_size % sh_entsize !== 0n) {
        return refuse('relocation-size', 'EINVAL', 'Section relative header is corrupted');
      }
      const { relRefusal } = hv.arch.relocationRules;
      if (sh_type === SHT_REL && relRefusal !== null) {
        return refuser.refuseFor(relRefusal, placeOf(section));
      }
      const rc = performRela(hv, elf, refuser, target, section);
      if (rc !== 0) return rc;
    }
    return 0;
  });
}

/** Offset of sh_flags in a section header at address 0. */
const NULL_SH_FLAGS = 8n;

/**
 * arch_livepatch_perform_rela, arch_livepatch_perform_rel. The entries' bytes are in the file, unless the table's size has wrapped: then each
 * entry is where the loader's arithmetic puts it, until one is refused or faults.
 */
function performRela(
  hv: Hypervisor,
  elf: LoaderElf,
  refuser: Refuser,
  target: LoaderSection,
  rela: LoaderSection,
): number {
  const implicit = rela.header.sh_type === SHT_REL;
  return within(hv, implicit ? 'arch_livepatch_perform_rel' : 'arch_livepatch_perform_rela', () => {
    const { symbols, layout } = elf;
    const { words } = symbols;
    const { sh_offset, sh_size, sh_entsize } = rela.header;
    const stride = Number(sh_entsize);
    const count = Number(sh_size / sh_entsize);
    const entryLayout = implicit ? layout.rel : layout.rela;
    const at = entryLayout.at as { readonly r_offset: number; readonly r_info: number; readonly r_addend?: number };
    const addendAt = at.r_addend ?? 0;
    const wide = layout.pointerSize === 8;
    const { relocations, relocationRules } = hv.arch;
    const takesAny = hv.arch.alignmentFault === null;
    const entries = elf.buffer.address + sh_offset;
    const { placeBeforeType } = relocationRules;
    const minBytes = relocationRules.minBytes ?? 0;

    const base = target.loadAddr as Address;
    const size = Number(target.header.sh_size);
    const window = hv.machine.space.span(base, size);
    const memory = window === undefined ? null : new DataView(window.buffer, window.byteOffset, window.byteLength);
    const place: RelocationTarget = { hv, elf, target, rela, base, size, memory, quirks: new Map() };
    const baseLow = lowWord(base);
    const baseHigh = highWord(base);
    let row: RelocationRow | undefined;
    const placeOfEntry = (i: number, symbol: number): Place => ({
      ...placeOf(rela, i * stride),
      symbol: symbols.name(symbol),
    });
    const refuseEntry = (i: number, symbol: number) => refuser.at(placeOfEntry(i, symbol));
    const pastEnd = (i: number, symbol: number): number => {
      const template = 'Relative relocation offset is past %s section';
      return refuseEntry(i, symbol)('relocation-past-end', 'EINVAL', template, target.name);
    };

    /** Applies consecutive entries, from number `first` on. */
    const perform = (bytes: Uint8Array, first: number, last: number): number => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let i = first, entry = 0; i < last; i++, entry += stride) {
        if (!takesAny) checkAligned(hv, wrapped(hv, entries + BigInt(i * stride + at.r_offset)), 4, 'read');
        const info = view.getUint32(entry + at.r_info, true);
        const type = wide ? info : info & 0xff;
        const symbol = wide ? view.getUint32(entry + at.r_info + 4, true) : info >>> 8;
        const offset = view.getUint32(entry + at.r_offset, true);
        const beyond = wide && view.getUint32(entry + at.r_offset + 4, true) !== 0;
        const implied = implicit ? implicitAddend(place, type, offset) : 0;
        if (symbol === 0 || symbol >= symbols.count || symbols.ignored[symbol] === 1) {
          return badSymbol(hv, elf, refuser, rela, i * stride, symbol);
        }
        if (placeBeforeType && (beyond || offset >= size || offset + minBytes > size)) return pastEnd(i, symbol);
        if (row === undefined || row.type !== type) row = relocations.get(type);
        if (row === undefined) {
          return refuseEntry(i, symbol)('unhandled-relocation', 'EOPNOTSUPP', relocationRules.unhandled, type);
        }
        if (row.width === 0) continue;
        const outside = beyond || offset >= size || offset + row.width > size;
        if (outside && relocationRules.minBytes !== null) return pastEnd(i, symbol);

        // S + A, and - P, in two unsigned words with carry and borrow.
        const addendLow = implicit ? implied >>> 0 : view.getUint32(entry + addendAt, true);
        const addendHigh = wide ? view.getUint32(entry + addendAt + 4, true) : (addendLow | 0) >> 31;
        let low = (words[2 * symbol] as number) + addendLow;
        let high = (words[2 * symbol + 1] as number) + addendHigh + (low > 0xffff_ffff ? 1 : 0);
        low >>>= 0;
        if (row.relative === 'place') {
          const placeLow = baseLow + offset;
          const placeHigh = baseHigh + (placeLow > 0xffff_ffff ? 1 : 0);
          const borrow = low < placeLow >>> 0 ? 1 : 0;
          low = (low - placeLow) >>> 0;
          high = high - placeHigh - borrow;
        }

        let overflow: boolean;
        if (row.field !== null) {
          const addend = fromWords(addendLow, addendHigh);
          const sum = fromWords(low, high);
          overflow = placeInstruction(place, row, row.field, { offset, sum, addend }, placeOfEntry(i, symbol));
        } else {
          if (memory !== null && !outside && row.width !== 2 && (takesAny || ((baseLow + offset) & 3) === 0)) {
            memory.setUint32(offset, low, true);
            if (row.width === 8) memory.setUint32(offset + 4, high, true);
          } else {
            store(place, offset, row.width, low, high);
          }
          // Above 2^53 the number is inexact, but still out of every range.
          overflow = !inRange(row.range, (high | 0) * 0x1_0000_0000 + low);
        }
        if (overflow) {
          const template = 'Overflow in relocation %u in %s for %s';
          return refuseEntry(i, symbol)('relocation-overflow', 'EOVERFLOW', template, i, rela.name, target.name);
        }
      }
      return 0;
    };

    if (sh_size <= BigInt(elf.buffer.bytes.length)) return perform(elf.buffer.at(sh_offset, Number(sh_size)), 0, count);
    for (let i = 0; i < count; i++) {
      const entry = elf.buffer.at(wrapped(hv, sh_offset + BigInt(i) * sh_entsize), entryLayout.size);
      const rc = perform(entry, i, i + 1);
      if (rc !== 0) return rc;
    }
    return 0;
  });
}

/** Makes the checks that precede the type's own, in Xen's order. */
function badSymbol(
  hv: Hypervisor,
  elf: LoaderElf,
  refuser: Refuser,
  rela: LoaderSection,
  entry: number,
  symbol: number,
): number {
  const refuse = refuser.at(placeOf(rela, entry));
  if (symbol === 0) return refuse('relocation-no-symbol', 'EOPNOTSUPP', 'Encountered STN_UNDEF');
  if (symbol >= elf.symbols.count) {
    return refuse('relocation-symbol-past-end', 'EINVAL', hv.arch.relocationRules.symbolPastEnd, symbol);
  }
  const template = 'Relocation against ignored symbol %s cannot be resolved';
  return refuse('relocation-ignored-symbol', 'EINVAL', template, elf.symbols.name(symbol));
}
