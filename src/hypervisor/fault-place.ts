import { type Address, hexAddress, type Place } from '../base/index.ts';
import type { Fault } from '../machine/index.ts';
import { ELF_LIVEPATCH_FUNC, PAGE_SIZE } from '../xen/index.ts';
import type { Hypervisor } from './hypervisor.ts';
import { nameAt } from './symbol-text.ts';

/** Explains a fault: the access, and what the hypervisor knows to be at the address. */
export function explainFault(hv: Hypervisor, fault: Fault): { readonly message: string; readonly where: Place } {
  const { address } = fault;
  const what = atAddress(hv, address);
  const where = { ...what.where, address };
  if (fault.kind === 'general-protection')
    return { message: `access to ${hexAddress(address)}, a non-canonical address`, where };
  const { present, write, fetch } = hv.arch.pageTables.accessOf(fault.errorCode);
  const access = fetch ? 'execution' : write ? 'write' : 'read';
  const forbidden = { execution: 'not executable', write: 'read-only', read: 'not readable' }[access];
  const why = present ? forbidden : 'not mapped';
  const state = what.where.section === ELF_LIVEPATCH_FUNC && access === 'write' && hv.release.stateInPayload;
  const because = state ? `: Xen ${hv.release.version} keeps each function's state there` : '';
  return { message: `${access} at ${what.text}, which is ${why}${because}`, where };
}

function atAddress(hv: Hypervisor, address: Address): { readonly text: string; readonly where: Place } {
  if (address < BigInt(PAGE_SIZE)) return { text: `a null pointer (${hexAddress(address)})`, where: {} };
  for (const payload of hv.payloads) {
    const { funcs, text, pages, name } = payload;
    if (inside(address, funcs.addr, funcs.size)) {
      const offset = Number(address - funcs.addr);
      const section = ELF_LIVEPATCH_FUNC;
      return { text: `${section}+0x${offset.toString(16)} of payload ${name}`, where: { section, offset } };
    }
    if (inside(address, text.addr, pages * PAGE_SIZE)) {
      return { text: `${hexAddress(address)} in payload ${name}`, where: {} };
    }
  }
  for (const region of hv.image.regions) {
    if (address < region.start || address >= region.end) continue;
    const symbol = nameAt(hv, address) ?? region.name;
    const text = `${hexAddress(address)} (${symbol}) in the hypervisor's ${region.name === 'init' ? 'init memory, freed after boot' : region.name}`;
    return { text, where: { symbol } };
  }
  return { text: hexAddress(address), where: {} };
}

const inside = (address: Address, start: Address, size: number): boolean =>
  address >= start && address < start + BigInt(size);
