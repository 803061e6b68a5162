import { addOffset, hexAddress, viewOf } from '../../base/index.ts';
import { entryPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/**
 * An expectation about bytes that the hypervisor itself replaces during boot, on some processors. Source: common/livepatch.c,
 * livepatch_check_expectations, which compares memory; arch/x86/alternative.c.
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
    if (expecting.length === 0 || table === undefined || tableEnd === undefined) return;
    const bytes = image.bytes(table, Number(tableEnd - table));
    for (const { orig, length, feature } of arch.alternatives.replaced(viewOf(bytes), table)) {
      const end = addOffset(orig, length);
      const hit = expecting.find(({ func, end: expected }) => orig < expected && end > func.address);
      if (hit === undefined) continue;
      const message = `the expectation of ${hit.func.name} covers ${hexAddress(orig)}, which the hypervisor replaces at boot if the processor has feature ${feature}: it matches on some hosts and fails on others. End it before that address`;
      yield { message, where: entryPlace(hit.func) };
    }
  },
};
