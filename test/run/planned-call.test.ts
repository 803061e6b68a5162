import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { XspliceError } from '../../src/base/index.ts';
import { plannedCall, resultNumber, unexpected } from '../../src/run/planned-call.ts';
import type { CallResult } from '../../src/xen/index.ts';

const result = (value: bigint): CallResult => ({
  result: value,
  instructions: 1,
  entered: [],
  coverage: [],
  buffers: [],
});

describe('a call in words', () => {
  it.each([
    ['xen_extra_version()', 'xen_extra_version', [], null],
    [' f ( 1 , -2,0x10 ) ', 'f', [1n, -2n, 16n], null],
    ['common/livepatch.c#get_name("a\\"b\\\\\\n\\x41")=0', 'common/livepatch.c#get_name', ['a"b\\\nA'], { int: 0n }],
    [
      'memcmp([68 69 00], zero(3), 3) = -1',
      'memcmp',
      [Uint8Array.of(0x68, 0x69, 0), new Uint8Array(3), 3n],
      { int: -1n },
    ],
    ['f() = "-hello"', 'f', [], { string: '-hello' }],
    ['f() = EINVAL', 'f', [], { int: -22n }],
    ['f() = -ENOENT', 'f', [], { int: -2n }],
    ['f(0xffffffffffffffff)', 'f', [0xffff_ffff_ffff_ffffn], null],
  ] as const)('%s', (text, name, args, expected) => {
    const planned = plannedCall(text);
    expect(planned.call.function).toBe(name);
    expect(planned.expected).toEqual(expected);
    expect(
      planned.call.args.map((arg) => (arg.kind === 'int' ? arg.value : arg.kind === 'string' ? arg.text : arg.bytes)),
    ).toEqual(args);
  });

  it.each([
    ['', 'expected the name of a function at character 1; it ends there'],
    ['f', 'expected ( at character 2; it ends there'],
    ['f(1', 'expected , at character 4; it ends there'],
    ['f(x)', 'expected a number, "text", [bytes] or zero(N) at character 3; there is x)'],
    ['f("a)', 'expected text in double quotes at character 3'],
    ['f([123])', 'expected whole bytes'],
    ['f(zero(0))', 'expected 1 to 1048576 bytes'],
    ['f(0x10000000000000000)', 'expected 64 bits'],
    ['f() = EBADNAME', 'expected the name of an errno that Xen has'],
    ['f() 1', 'expected nothing more'],
  ])('%s is none', (text, message) => {
    expect(() => plannedCall(text)).toThrow(
      expect.objectContaining({ code: 'EUSAGE', message: expect.stringContaining(message) }),
    );
  });

  it('is parsed or refused, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        try {
          plannedCall(text);
        } catch (error) {
          if (!(error instanceof XspliceError)) throw error;
        }
      }),
    );
  });
});

describe('what is expected', () => {
  it('of a number is an int, or all 64 bits', () => {
    const expects = (value: string) => plannedCall(`f() = ${value}`);
    expect(unexpected(expects('-1'), result(0xffff_ffffn), null)).toBeNull();
    expect(unexpected(expects('-1'), result(0xffff_ffff_ffff_ffffn), null)).toBeNull();
    // What is above an int is not part of it.
    expect(unexpected(expects('EINVAL'), result(0xdead_0000_ffff_ffean), null)).toBeNull();
    expect(unexpected(expects('0x1ffffffff'), result(0xffff_ffffn), null)).toBe('it returned -1, expected 8589934591');
    expect(unexpected(expects('5'), result(4n), null)).toBe('it returned 4, expected 5');
  });

  it('of text is text', () => {
    const planned = plannedCall('f() = "-new"');
    expect(unexpected(planned, result(0xffff_82d0_4020_0000n), '-new')).toBeNull();
    expect(unexpected(planned, result(0xffff_82d0_4020_0000n), '-old')).toBe('it returned "-old", expected "-new"');
    expect(unexpected(planned, result(3n), null)).toBe('it returned 3, expected "-new"');
  });

  it('is shown in decimal if it is small, otherwise in hex', () => {
    expect([0n, 42n, 0xffff_ffean, 0xffff_ffff_ffff_ffean, 0xffff_82d0_4020_0000n].map(resultNumber)).toEqual([
      '0',
      '42',
      '-22',
      '-22',
      '0xffff82d040200000',
    ]);
  });
});
