import { type Address, pointerText } from '../base/index.ts';
import { symbolText as placeText, type SymbolPlace } from '../xen/index.ts';
import type { Hypervisor } from './hypervisor.ts';

/**
 * symbols_lookup: the symbol that an address is in. Only code in registered regions has symbols: the hypervisor's own text, and payloads
 * that the release has registered by then. Source: xen/common/symbols.c, xen/common/livepatch.c (livepatch_symbols_lookup).
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

/** `%ps`: an address as symbol and, but for 0, offset; as a number where it has no symbol. Source: xen/common/vsprintf.c, pointer. */
export function symbolText(hv: Hypervisor, address: Address): string {
  const place = symbolPlace(hv, address);
  return place === undefined ? pointerText(address, hv.arch.elf.pointerSize) : placeText(place, false);
}

/** The name of whatever lies at an address of the hypervisor, code or data: for reports, where `%ps` would print a number. */
export function nameAt(hv: Hypervisor, address: Address): string | undefined {
  const place = placeInImage(hv, address);
  return place === undefined ? undefined : placeText(place, false);
}
