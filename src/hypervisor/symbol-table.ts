import type { Address } from '../base/index.ts';
import { SHF_ALLOC, SHF_MERGE, SHN_UNDEF } from '../elf/index.ts';
import { KSYM_NAME_LEN, livepatchFunc } from '../xen/index.ts';
import type { LoaderElf } from './elf-load.ts';
import { type Hypervisor, within } from './hypervisor.ts';
import type { LoadedPayload, PayloadSymbol } from './payload.ts';
import { LIVEPATCH_C, Refuser } from './refusal.ts';
import { livepatchSymbolsLookupByName } from './resolve-symbols.ts';

/** strlcpy into KSYM_NAME_LEN bytes, one of them for the NUL. */
const NAME_MAX = KSYM_NAME_LEN - 1;

/**
 * build_symbol_table: collects the symbols that the payload adds to the hypervisor, for back traces and later payloads. The new version of a
 * function overrides its symbol; any other symbol must be new.
 * Source: xen/common/livepatch.c.
 */
export function buildSymbolTable(hv: Hypervisor, payload: LoadedPayload, elf: LoaderElf): number {
  return within(hv, 'build_symbol_table', () => {
    const { symbols } = elf;
    const overridden = newAddresses(hv, payload);
    const symtab: PayloadSymbol[] = [];
    const newSymbols = new Map<string, PayloadSymbol>();
    for (let i = 1; i < symbols.count; i++) {
      const name = payloadSymbolName(hv, elf, i);
      if (name === null) continue;
      const value = symbols.value[i] as Address;
      const newSymbol = !overridden.has(value);
      const template = newSymbol ? 'livepatch: %s: new symbol %s' : 'livepatch: %s: overriding symbol %s';
      if (newSymbol && (hv.symbols.byName(name) || livepatchSymbolsLookupByName(hv, name))) {
        const where = { section: '.symtab', offset: i * symbols.stride, symbol: name };
        const refuse = new Refuser(hv, LIVEPATCH_C, elf.name).at(where);
        return refuse('duplicate-symbol', 'EEXIST', 'duplicate new symbol: %s', name);
      }
      if (hv.log.debug) hv.log.dprintk(LIVEPATCH_C, 'DEBUG', template, elf.name, name);
      const symbol = { name, value, size: symbols.size(i), newSymbol };
      symtab.push(symbol);
      if (newSymbol && !newSymbols.has(name)) newSymbols.set(name, symbol);
    }
    payload.symtab = symtab;
    payload.newSymbols = newSymbols;
    return 0;
  });
}

/** is_payload_symbol: returns the name under which symbol `i` is added, or `null` if it is not. */
function payloadSymbolName(hv: Hypervisor, elf: LoaderElf, i: number): string | null {
  const shndx = elf.symbols.shndx(i);
  const section = elf.sections[shndx];
  if (shndx === SHN_UNDEF || section === undefined) return null;
  const flags = Number(section.header.sh_flags & 0xffn);
  if ((flags & SHF_ALLOC) === 0) return null;
  const name = elf.symbols.name(i);
  if (name === '' || ((flags & SHF_MERGE) !== 0 && name.startsWith('.L'))) return null;
  if (hv.arch.symbolOk?.(name) === false) return null;
  return name.slice(0, NAME_MAX);
}

/** Returns new_addr of every function in the payload. */
function newAddresses(hv: Hypervisor, payload: LoadedPayload): Set<Address> {
  const addresses = new Set<Address>();
  const { addr, size, count } = payload.funcs;
  if (count === 0) return addresses;
  const layout = livepatchFunc(hv.release.funcLayout, hv.arch.elf.pointerSize);
  const bytes = hv.machine.space.read(addr, size);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) addresses.add(layout.read(view, i * layout.size).newAddr);
  return addresses;
}
