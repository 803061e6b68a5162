import { type Address, pointerText } from '../base/index.ts';
import { symbolText as placeText, type SymbolPlace } from '../xen/index.ts';
import type { Hypervisor } from './hypervisor.ts';

/**
 * symbols_lookup: returns the symbol that contains an address. Only code in registered regions has symbols: the hypervisor's own text, and
 * payloads once the release has registered them. Source: xen/common/symbols.c, xen/common/livepatch.c (livepatch_symbols_lookup).
 */
export function symbolPlace(hv: Hypervisor, address: Address): SymbolPlace | undefined {
  const region = hv.regions.find(({ textStart, textEnd }) => address >= textStart && address < textEnd);
  if (region === hv.regions[0]) return placeInImage(hv, address);
  const payload = hv.payloads.find((each) => each.region === region);
  let best: { readonly name: string; readonly value: Address; readonly size: number } | undefined;
  for (const symbol of payload?.symtab ?? []) {
    if (symbol.value <= address && (best === undefined || symbol.value > best.value)) best = symbol;
  }
  if (payload === undefined || best === undefined) return undefined;
  return { name: best.name, offset: Number(address - best.value), size: best.size, payload: payload.name };
}

function placeInImage(hv: Hypervisor, address: Address): SymbolPlace | undefined {
  const found = hv.symbols.at(address);
  return found === undefined ? undefined : { name: found.name, offset: found.at, size: found.size ?? 0 };
}

/** `%ps`: formats an address as symbol and any offset, or as a number if there is no symbol. Source: xen/common/vsprintf.c, pointer. */
export function symbolText(hv: Hypervisor, address: Address): string {
  const place = symbolPlace(hv, address);
  return place === undefined ? pointerText(address, hv.arch.elf.pointerSize) : placeText(place, false);
}

/** Returns the name of the hypervisor's code or data at an address: for reports, where `%ps` would print a number. */
export function nameAt(hv: Hypervisor, address: Address): string | undefined {
  const place = placeInImage(hv, address);
  return place === undefined ? undefined : placeText(place, false);
}
