import { describe, expect, it } from 'vitest';
import { CallLines } from '../../src/synth/call-lines.ts';

const AT = 'ffff82d0405b2000';

const around = (...inside: string[]): CallLines => {
  const lines = new CallLines();
  lines.add(['common/livepatch.c:381: livepatch: xsplice-call: Loaded .text at ffff82d0405b0000']);
  lines.add(['of somebody else', 'livepatch: xsplice-call: Applying 0 functions', `xsplice call: data at ${AT}`]);
  lines.add(inside);
  return lines;
};

describe('console lines around a call', () => {
  it('are those of the function, and of others', () => {
    const lines = around(
      'one',
      'livepatch: p: two',
      'xsplice call: done',
      'livepatch: xsplice-call finished APPLY with rc=0',
    );
    expect(lines.dataAddress).toBe(0xffff_82d0_405b_2000n);
    expect(lines.finish()).toEqual(['of somebody else', 'one', 'livepatch: p: two']);
    expect(lines.reason()).toBe(': finished APPLY with rc=0');
  });

  it("may look like Xen's lines about the payload if the function prints them", () => {
    const lines = around(' name=xsplice-call state=CHECKED(1)', 'livepatch: xsplice-call: hello', 'xsplice call: done');
    expect(lines.finish()).toEqual([
      'of somebody else',
      ' name=xsplice-call state=CHECKED(1)',
      'livepatch: xsplice-call: hello',
    ]);
  });

  it('may run into the next line', () => {
    expect(around('open<0>xsplice call: done').finish()).toEqual(['of somebody else', 'open']);
    const before = new CallLines();
    before.add([
      `begun<0>xsplice call: data at ${AT}`,
      'xsplice call: done',
      'more<2>livepatch: xsplice-call: Reverting',
    ]);
    expect(before.finish()).toEqual(['begun', 'more']);
    expect(before.dataAddress).not.toBeNull();
  });

  it('of a function that never returned are all its own', () => {
    expect(around('last words').finish()).toEqual(['of somebody else', 'last words']);
  });

  it('say why the host refuses the payload', () => {
    const lines = new CallLines();
    expect(lines.reason()).toBe('');
    lines.add(['livepatch: xsplice-call: Unknown symbol: nobody']);
    expect(lines.reason()).toBe(': Unknown symbol: nobody');
    expect(lines.dataAddress).toBeNull();
    expect(lines.finish()).toEqual([]);
  });
});
