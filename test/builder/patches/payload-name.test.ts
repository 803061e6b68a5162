import { describe, expect, it } from 'vitest';
import { payloadName } from '../../../src/builder/patches/index.ts';

describe('the name of a payload', () => {
  it.each([
    ['0001-x86-fix.patch', '0001-x86-fix'],
    ['dir.d/xsa 123_v2.diff', 'xsa-123_v2'],
    ['series.mbox', 'series'],
    ['mail.eml', 'mail'],
    ['fix.txt', 'fix-txt'],
    ['a.patch.patch', 'a-patch'],
    ['.patch', 'livepatch'],
    ['größe.patch', 'gr--e'],
  ])('of %s is %s', (file, name) => {
    expect(payloadName(file)).toBe(name);
  });

  it('is cut where Xen would refuse it', () => {
    expect(payloadName(`${'x'.repeat(300)}.patch`)).toBe('x'.repeat(127));
  });
});
