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

/**
 * How traps of the hypervisor itself end on Arm.
 *
 * Sources: xen/arch/arm/traps.c (do_trap_hyp_sync, do_unexpected_trap, show_registers, show_trace), arm32/traps.c.
 *
 * @param fetchHandler what an instruction abort is called, and whether its address is walked to: arm32 has a vector of its own
 */
export function armPanicWords(
  fetchHandler: 'Instruction Abort' | 'Prefetch Abort',
  accessOf: (code: number) => { readonly fetch: boolean },
): PanicWords {
  return {
    state(frames) {
      const [first, ...below] = frames;
      const at = first === undefined ? '? ?' : `${first.address ?? '?'} ${first.text}`;
      const entry = (text: string, suffix: string): string => `   [<?>] ${text}${suffix}`;
      return [
        'CPU:    0',
        `PC:     ${at}`,
        '[...]',
        'Xen call trace:',
        entry(first?.text ?? '?', ' (PC)'),
        entry(below[0]?.text ?? '?', ' (LR)'),
        ...below.map(({ text }) => entry(text, '')),
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
    files: ['arch/arm/alternative.c', 'arch/arm/livepatch.c', 'arch/arm/domain.c', 'alternative.c', 'domain.c'],
  };
}
