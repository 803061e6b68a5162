import { addOffset, hex, lowWord } from '../../base/index.ts';
import { ALT_CALL, ALT_CALL_LEN, type Errno } from '../../xen/index.ts';
import type { AlternativesHost } from '../alternatives.ts';
import { behindEndbr } from './alternatives.ts';

/**
 * livepatch_apply_alt_calls: replaces `call *pointer(%rip)` with `cs call target`, or with a trap if the pointer is NULL.
 * `[start, end)` is the section, as offsets in the host's memory. Source: xen/arch/x86/alternative.c, ca29b7a70d, d2fd5f0fcd.
 */
export function applyAltCalls(host: AlternativesHost, start: number, end: number): Errno | null {
  const { memory } = host;
  for (let at = start; at + ALT_CALL.size <= end; at += ALT_CALL.size) {
    const site = at + memory.readI32(at);
    const orig = addOffset(memory.base, site);
    const bytes = memory.read(site, ALT_CALL_LEN);
    if (bytes[0] !== 0xff || bytes[1] !== 0x15) {
      host.log('ERR', 'Altcall for %s [%s] not CALL *RIPREL', host.symbol(orig), hex(bytes, ' '));
      return 'EINVAL';
    }
    const pointer = addOffset(orig, ALT_CALL_LEN + memory.readI32(site + 2));
    let dest = host.readPointer(pointer);
    if (dest === 0n) {
      memory.write(site, Uint8Array.of(0x0f, 0x0b, 0x0f, 0x0b, 0x0f, 0x0b));
      continue;
    }
    dest = behindEndbr(host, orig, dest, 'Altcall %s dest %s has no endbr64');
    const displacement = lowWord(dest - addOffset(orig, ALT_CALL_LEN));
    const call = new Uint8Array(ALT_CALL_LEN);
    call.set([0x2e, 0xe8]);
    new DataView(call.buffer).setUint32(2, displacement, true);
    memory.write(site, call);
  }
  return null;
}
