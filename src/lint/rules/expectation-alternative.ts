import { addOffset, hexAddress, viewOf } from '../../base/index.ts';
import { ALT_INSTR, altTargets } from '../../xen/index.ts';
import { entryPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/**
 * An expectation about bytes that the hypervisor itself has replaced while it booted: what is in xen-syms is there on some processors only. Source:
 * common/livepatch.c, livepatch_check_expectations, which compares memory as it is; arch/x86/alternative.c.
 */
export const expectationAlternative: LintRule = {
  id: 'expectation-alternative',
  *check(context) {
    const { image, arch, oldFunctions } = context;
    const expecting = oldFunctions.flatMap((func) => {
      const { expectation } = func.entry;
      return expectation?.enabled === true && expectation.len > 0
        ? [{ func, end: addOffset(func.address, expectation.len) }]
        : [];
    });
    const table = image.linker('__alt_instructions');
    const tableEnd = image.linker('__alt_instructions_end');
    if (
      expecting.length === 0 ||
      table === undefined ||
      tableEnd === undefined ||
      arch.alternatives.entrySize !== ALT_INSTR.size
    )
      return;
    const bytes = image.bytes(table, Number(tableEnd - table));
    const view = viewOf(bytes);
    for (let at = 0; at + ALT_INSTR.size <= bytes.length; at += ALT_INSTR.size) {
      const entry = ALT_INSTR.read(view, at);
      const { orig } = altTargets(addOffset(table, at), entry);
      const end = addOffset(orig, entry.orig_len + entry.pad_len);
      const hit = expecting.find(({ func, end: expected }) => orig < expected && end > func.address);
      if (hit === undefined) continue;
      const message = `the expectation of ${hit.func.name} covers ${hexAddress(orig)}, which the hypervisor replaces at boot where the processor has feature ${entry.cpuid & 0x7fff}: it holds on some hosts and fails on others. End it before that place`;
      yield { message, where: entryPlace(hit.func) };
    }
  },
};
