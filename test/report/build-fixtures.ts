/** Example documents of `xsplice build`. Their strings are byte strings. */
import type { BuildDocument, BuiltBase } from '../../src/documents/index.ts';
import { builtDiff, refusedDiff, unchangedDiff } from './diff-fixtures.ts';

const FIRST = '3e3052db13b7907c3dde3c7fc77e5ce08d31a75b';
const SECOND = '151b373fd64b321593bf987fd923cd10dabadac4';

const common = { source: 'xen', compiled: 3, cached: 0, kept: null, error: null } as const;

const { format: _built, ...built } = builtDiff;
const { format: _refused, ...refused } = refusedDiff;
const { format: _unchanged, ...unchanged } = unchangedDiff;

const of = (verdict: BuildDocument['verdict'], ...bases: BuiltBase[]): BuildDocument => ({
  format: 'xsplice-build/2',
  verdict,
  name: 'fix',
  patches: [{ title: 'domctl: check the domain first', file: 'fix.patch' }],
  bases,
});

const first: BuiltBase = { ...built, ...common, name: 'xen', xen: { version: '4.17.5', buildId: FIRST } };

/** For one hypervisor. */
export const builtOne = of('built', { ...first, cached: 1, kept: '/tmp/xsplice-build-abc' });

/** One that was refused, with the objects from the cache. */
export const refusedOne = of('refused', {
  ...refused,
  ...common,
  cached: 3,
  name: 'xen',
  xen: { version: '4.17.5', buildId: null },
});

/** One that nothing is built for. */
export const unchangedOne = of('unchanged', { ...unchanged, ...common, compiled: 0, name: 'xen', xen: null });

/** One of which the environment left nothing. */
const failed: BuiltBase = {
  ...unchanged,
  ...common,
  verdict: 'error',
  name: '4.17.4-2',
  source: 'bases/4.17.4-2',
  xen: null,
  compiled: 0,
  error: { code: 'EUSAGE', message: 'there is no bases/4.17.4-2', hint: 'Give the top of the tree.' },
};

/** For several: two that agree but for who they are, one that was refused, and one that was not there. */
export const severalBases = of(
  'error',
  { ...first, name: '4.17.5-1', payload: file(FIRST), debug: null },
  {
    ...first,
    name: '4.17.5-2',
    xen: { version: '4.17.5', buildId: SECOND },
    cached: 3,
    verified: { release: '4.17.5', buildId: SECOND },
    payload: file(SECOND),
    debug: null,
  },
  { ...refused, ...common, name: '4.17.4-1', xen: { version: '4.17.4', buildId: 'ab'.repeat(20) } },
  failed,
);

function file(id: string): BuiltBase['payload'] {
  return { file: `payloads/${id}/fix.livepatch`, bytes: 5648, sha256: id.slice(0, 32).repeat(2) };
}
