import type { Place } from '../base/index.ts';
import type { PayloadPointer } from '../payload/index.ts';
import { ELF_LIVEPATCH_FUNC } from '../xen/index.ts';
import type { LintContext, OldFunction } from './context.ts';

/** Returns the place of an entry of `.livepatch.funcs`, with the old function's address. */
export const entryPlace = ({ entry, name, address }: OldFunction): Place => ({
  section: ELF_LIVEPATCH_FUNC,
  offset: entry.offset,
  symbol: name,
  address,
});

/** Returns a place in one of the payload's sections, with the symbol there. */
export function sectionPlace({ content }: LintContext, section: number, offset: number, symbol?: string): Place {
  const name = content.elf.sections[section]?.name ?? '';
  return { section: name, offset, ...(symbol !== undefined && symbol !== '' && { symbol }) };
}

/** Formats the target of a pointer: `memcpy`, `.text+0x10 (lp_new_fn)`, `0xffff…`. */
export function targetText({ content }: LintContext, pointer: PayloadPointer): string {
  switch (pointer.kind) {
    case 'null':
      return 'NULL';
    case 'absolute':
      return `0x${pointer.address.toString(16)}`;
    case 'undefined':
      return pointer.addend === 0n ? pointer.symbol : `${pointer.symbol}${signed(pointer.addend)}`;
    case 'section': {
      const section = content.elf.sections[pointer.section]?.name ?? `section ${pointer.section}`;
      const symbol = pointer.symbol === undefined || pointer.distance !== 0 ? '' : ` (${pointer.symbol})`;
      return `${section}${signed(BigInt(pointer.offset))}${symbol}`;
    }
  }
}

/** Formats a signed offset: `+0x10`, `-0x4`. */
export const signed = (value: bigint): string =>
  value < 0n ? `-0x${(-value).toString(16)}` : `+0x${value.toString(16)}`;

/** Returns the hypervisor's name of a function, without the file name before a static one's. */
export function coreName({ symbols }: LintContext, { address, name }: OldFunction): string {
  const known = symbols.at(address)?.name ?? name;
  return known.slice(known.lastIndexOf('#') + 1);
}
