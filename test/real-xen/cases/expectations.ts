import type { FuncSpec } from '../payloads.ts';
import { add, BIG, ENDBR, XC } from './define.ts';
import { nop } from './nops-and-endbr64.ts';

// ---------------------------------------------------------------------------------- expectations
export const expect = (name: string, f: FuncSpec): void =>
  add(`expect-${name}`, { p: { funcs: [f] } }, [
    { upload: 'p' },
    { apply: 'p' },
    { get: 'p' },
    { apply: 'p', flags: 1 },
    { revert: 'p' },
  ]);
for (const len of [0, 1, 5, 8, 12]) expect(`ok-${len}`, { expect: { len, data: { of: 'xen_extra_version' } } });
expect('ok-31', { name: BIG, expect: { len: 31, data: { of: BIG } } });
expect('fails', { expect: { len: 8, data: '488d0418ba1600e9' } });
expect('fails-1', { expect: { len: 1, data: '49' } });
expect('fails-31', { name: BIG, expect: { len: 31, data: '00'.repeat(31) } });
expect('fails-name-null', { name: null, old: 'xen_extra_version', oldSize: 12, expect: { len: 3, data: '000000' } });
expect('longer-than-old', { expect: { len: 13, data: { of: 'xen_extra_version' } } });
expect('longer-than-old-name-null', {
  name: null,
  old: 'xen_extra_version',
  oldSize: 12,
  expect: { len: 13, data: '' },
});
for (const rsv of [1, 2, 3]) expect(`rsv-${rsv}`, { expect: { len: 3, rsv, data: { of: 'xen_extra_version' } } });
expect('rsv-and-longer-than-old', { expect: { len: 13, rsv: 1, data: '' } });
expect('disabled-garbage', { expect: { enabled: 0, len: 31, rsv: 3, data: 'ff'.repeat(31) } });
expect('nop-ok', { ...nop(XC, 7), expect: { len: 7, data: { of: XC } } });
expect('endbr-at-old-addr', { name: ENDBR, expect: { len: 4, data: 'f30f1efa' } });
add(
  'expect-second-function-fails',
  {
    p: {
      funcs: [
        { expect: { len: 3, data: { of: 'xen_extra_version' } } },
        { name: XC, expect: { len: 2, data: '9090' } },
      ],
    },
  },
  [{ upload: 'p' }, { apply: 'p' }],
);
add(
  'expect-sees-trampoline',
  {
    a: {},
    b: { depends: '@a', symbol: 'second_fn', funcs: [{ expect: { len: 3, data: { of: 'xen_extra_version' } } }] },
  },
  [
    { upload: 'a' },
    { upload: 'b' },
    { apply: 'a' },
    { apply: 'b' },
    { apply: 'b', flags: 1 },
    { revert: 'a' },
    { apply: 'b', flags: 1 },
    { revert: 'b' },
  ],
);
