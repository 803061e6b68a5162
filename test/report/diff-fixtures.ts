import type { DiffDocument, FunctionReport } from '../../src/documents/index.ts';

/** Example documents of `xsplice diff`. Their strings are byte strings, as the differ makes them. */

const unchanged = (name: string): FunctionReport => ({
  name,
  object: 'common/domctl.o',
  status: 'unchanged',
  reason: 'the same instructions, with the same targets',
  firstDifference: null,
});

/** A payload of two objects. */
export const builtDiff: DiffDocument = {
  format: 'xsplice-diff/2',
  verdict: 'built',
  objects: { compared: 422, identical: 420 },
  functions: [
    unchanged('domctl_lock_acquire'),
    {
      name: 'do_domctl',
      object: 'common/domctl.o',
      status: 'changed',
      reason: 'an instruction differs',
      firstDifference: {
        origOffset: 0x1a4,
        patchedOffset: 0x1a4,
        orig: 'cmpl $0x4, %eax',
        patched: 'cmpl $0x5, %eax',
        source: 'common/domctl.c:312',
      },
    },
    {
      name: 'gdprintk_user',
      object: 'common/domctl.o',
      status: 'line-only',
      reason: 'only line numbers differ',
      firstDifference: {
        origOffset: 0x10,
        patchedOffset: 0x10,
        orig: 'movl $0x1f4, %edx',
        patched: 'movl $0x1f7, %edx',
        source: null,
      },
    },
    {
      name: 'check_bounds',
      object: 'common/domctl.o',
      status: 'new',
      reason: 'is not in the original',
      firstDifference: null,
    },
    {
      name: 'arch/x86/irq.c#map_domain_pirq',
      object: 'arch/x86/irq.o',
      status: 'changed',
      reason: 'it is longer: 1898 bytes, 1884 before',
      firstDifference: { origOffset: null, patchedOffset: 0x75c, orig: null, patched: 'callq printk', source: null },
    },
    { name: 'is_old', object: 'arch/x86/irq.o', status: 'removed', reason: 'is gone', firstDifference: null },
    unchanged('domain_lock'),
  ],
  refusals: [],
  remarks: [
    {
      rule: 'variable-removed',
      severity: 'note',
      message: 'a static variable is gone: what it held stays unused',
      where: { file: 'arch/x86/irq.o', symbol: 'warned.3' },
    },
  ],
  verified: { release: '4.17.7', buildId: '151b373fd64b321593bf987fd923cd10dabadac4' },
  payload: { file: 'xsa-458.livepatch', bytes: 6496, sha256: 'ab'.repeat(32) },
  debug: { file: 'xsa-458.debug', bytes: 404_304, sha256: 'cd'.repeat(32) },
};

/** Two things that no payload can carry. */
export const refusedDiff: DiffDocument = {
  format: 'xsplice-diff/2',
  verdict: 'refused',
  objects: { compared: 1, identical: 0 },
  functions: [],
  refusals: [
    {
      rule: 'layout-changed',
      severity: 'error',
      message: 'struct domain has another layout: member is_dying moves from 0x1f8 to 0x200',
      where: { file: 'common/domctl.o', symbol: 'domain' },
      advice: 'keep the layout, or answer for it with --allow-layout domain',
    },
    {
      rule: 'initial-value',
      severity: 'error',
      message: 'evil\x1b[2J: initial data changes',
      where: { file: 'common/h\xc3\xa9llo.o' },
    },
  ],
  remarks: [],
  verified: null,
  payload: null,
  debug: null,
};

/** Nothing to do. */
export const unchangedDiff: DiffDocument = {
  ...refusedDiff,
  verdict: 'unchanged',
  refusals: [],
  functions: [unchanged('do_domctl')],
};

/** An object that is not linked. */
export const unlinkedDiff: DiffDocument = {
  ...builtDiff,
  objects: { compared: 1, identical: 0 },
  functions: builtDiff.functions.filter(({ status }) => status === 'changed'),
  remarks: [],
  verified: null,
  debug: null,
};
