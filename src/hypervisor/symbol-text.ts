import { type Address, pointerText } from '../base/index.ts';
import type { Hypervisor } from './hypervisor.ts';

/**
 * `%ps`: an address as symbol and offset. Only code in registered regions has symbols: the hypervisor's own text, and payloads that the
 * release has registered by then; any other address is printed as a number.
 * Source: xen/common/vsprintf.c (pointer), xen/common/symbols.c (symbols_lookup).
 */
export function symbolText(hv: Hypervisor, address: Address): string {
  const region = hv.regions.find(({ textStart, textEnd }) => address >= textStart && address < textEnd);
  if (region === hv.regions[0]) return nameAt(hv, address) ?? pointerText(address);
  const payload = hv.payloads.find((each) => each.region === region);
  // livepatch_symbols_lookup: the symbol with the greatest address up to this one.
  let best: { readonly name: string; readonly value: Address; readonly size: number } | undefined;
  for (const symbol of payload?.symtab ?? []) {
    if (symbol.value <= address && (best === undefined || symbol.value > best.value)) best = symbol;
  }
  if (payload === undefined || best === undefined) return pointerText(address);
  return `${withOffset(best.name, Number(address - best.value), best.size)} [${payload.name}]`;
}

/** The name of whatever lies at an address of the hypervisor, code or data: for reports, where `%ps` would print a number. */
export function nameAt(hv: Hypervisor, address: Address): string | undefined {
  const found = hv.symbols.at(address);
  return found === undefined ? undefined : withOffset(found.name, found.at, found.size ?? 0);
}

const withOffset = (name: string, offset: number, size: number): string =>
  offset === 0 ? name : `${name}+0x${offset.toString(16)}/0x${size.toString(16)}`;
