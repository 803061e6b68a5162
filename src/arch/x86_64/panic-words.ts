import { pointerText } from '../../base/index.ts';
import type { FaultFacts, PanicWords, TracePlace } from '../panic-words.ts';

/** INVALID_M2P_ENTRY: the hypervisor's memory has no guest frame number. */
const NO_GUEST_FRAME = 'f'.repeat(16);

/**
 * Returns the lines of Xen's page-table walk: a heading, then one line per level, down to the leaf or the first non-present entry.
 * Source: arch/x86/x86_64/traps.c, show_page_walk.
 */
function pageTableWalk({ address, walk }: Pick<FaultFacts, 'address' | 'walk'>): string[] {
  const lines = [`Pagetable walk from ${pointerText(address)}:`];
  for (const { level, index, entry, superpage } of walk) {
    const place = ` ${level}[0x${index.toString(16).padStart(3, '0')}]`;
    lines.push(`${place} = ${pointerText(entry)} ${NO_GUEST_FRAME}${superpage ? ' (PSE)' : ''}`);
  }
  return lines;
}

/** Returns the back trace. The first frame is the instruction pointer's (`R`) if that is in a function. Source: arch/x86/traps.c, show_trace. */
function trace(frames: readonly TracePlace[], certain: boolean): string[] {
  const below = certain ? 'F' : 'S';
  const first = frames[0]?.address == null ? 'R' : below;
  const named = frames.filter(({ address }) => address === null);
  const lines = named.map(({ text }, i) => `   [<?>] ${i === 0 ? first : below} ${text}`);
  return ['Xen call trace:', ...(lines.length === 0 ? ['   [<?>] R ?'] : lines), ''];
}

/** Sources: xen/arch/x86/traps.c (show_execution_state, fatal_trap), arch/x86/x86_64/traps.c. */
export const X86_64_PANIC: PanicWords = {
  state(frames, certain) {
    const stray = frames[0]?.address ?? null;
    const at = stray === null ? `[<?>] ${frames[0]?.text ?? '?'}` : `[<${stray}>] ${stray}`;
    return ['CPU:    0', `RIP:    e008:${at}`, '[...]', ...trace(frames, certain)];
  },
  pageFault(fault) {
    const code = fault.errorCode.toString(16).padStart(4, '0');
    return {
      head: [...fault.state, ...pageTableWalk(fault)],
      message: `FATAL PAGE FAULT\n[error_code=${code}]\nFaulting linear address: ${pointerText(fault.address)}\n`,
    };
  },
  tainted: () => 'Not tainted',
  files: ['arch/x86/alternative.c', 'arch/x86/domain.c', 'alternative.c', 'domain.c'],
};
