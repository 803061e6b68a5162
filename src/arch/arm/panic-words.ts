import { pointerText } from '../../base/index.ts';
import type { FaultFacts, PanicWords } from '../panic-words.ts';
import { ISS_MASK } from './page-table.ts';

/** Lines of dump_hyp_walk and dump_pt_walk. Source: xen/arch/arm/mm.c. */
function walkLines({ address, cpu, root, walk }: FaultFacts): string[] {
  const ttbr = root.toString(16).padStart(16, '0');
  const lines = [`Walking Hypervisor VA 0x${address.toString(16)} on CPU${cpu} via TTBR 0x${ttbr}`];
  for (const { level, index, entry } of walk) {
    lines.push(`${level}[0x${index.toString(16).padStart(3, '0')}] = 0x${pointerText(entry)}`);
  }
  return lines;
}

/** `%#x`. */
const syndromeText = (iss: number): string => (iss === 0 ? '0' : `0x${iss.toString(16)}`);

/** Leaf functions in assembly. */
const LEAF = /^memcpy\+/;

/** ARM64_WORKAROUND_DEVICE_LOAD_ACQUIRE and ARM64_WORKAROUND_1508412. */
const UNSECURE = (1 << 1) | (1 << 17);

/**
 * Makes the panic screens of traps in the hypervisor itself on Arm.
 *
 * Sources: xen/arch/arm/traps.c (do_trap_hyp_sync, do_unexpected_trap, show_registers, show_trace), arm32/traps.c.
 *
 * @param fetchHandler name of an instruction abort; arm32 has a vector of its own for it, which does no page-table walk
 */
export function armPanicWords(
  fetchHandler: 'Instruction Abort' | 'Prefetch Abort',
  accessOf: (code: number) => { readonly fetch: boolean },
): PanicWords {
  return {
    state(frames, certain) {
      const [first, ...below] = frames;
      const at = first === undefined ? '? ?' : `${first.address ?? '?'} ${first.text}`;
      const entry = (text: string, suffix: string): string => `   [<?>] ${text}${suffix}`;
      // In a leaf function, LR holds the caller; in any other, the return address of the last call.
      const caller = first !== undefined && LEAF.test(first.text) ? below[0]?.text : undefined;
      return [
        'CPU:    0',
        `PC:     ${at}`,
        '[...]',
        'Xen call trace:',
        entry(first?.text ?? '?', ' (PC)'),
        entry(caller ?? '?', ' (LR)'),
        // Without frame pointers, nothing more is known.
        ...(certain ? below.map(({ text }) => entry(text, '')) : []),
        '',
      ];
    },
    pageFault(fault) {
      const { fetch } = accessOf(fault.errorCode);
      const name = fetch ? fetchHandler : 'Data Abort';
      const syndrome = syndromeText(fault.errorCode & ISS_MASK);
      const trap = `CPU${fault.cpu}: Unexpected Trap: ${name}`;
      const walk = name === 'Prefetch Abort' ? [] : [`${name} Trap. Syndrome=${syndrome}`, ...walkLines(fault)];
      return { head: [...walk, trap, ...fault.state], message: `${trap}\n` };
    },
    // enable_errata_workarounds (xen/arch/arm/cpuerrata.c): guests can hang such a host.
    tainted: ({ featureset }) => (((featureset[0] ?? 0) & UNSECURE) === 0 ? 'Not tainted' : 'Tainted: U     '),
    files: ['arch/arm/alternative.c', 'arch/arm/livepatch.c', 'arch/arm/domain.c', 'alternative.c', 'domain.c'],
  };
}
