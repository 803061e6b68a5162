import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FormatArg, format, formatter, oldText } from '../../src/xen/index.ts';

describe('format', () => {
  it.each<[string, FormatArg[], string]>([
    ['%s: Unknown symbol: %s', ['lp', 'foo'], 'lp: Unknown symbol: foo'],
    ['%s', [null], '<NULL>'],
    ['[%8s|%-8s|%.2s]', ['abc', 'abc', 'abc'], '[     abc|abc     |ab]'],
    ['%u %d', [-1, 0xffff_ffff], '4294967295 -1'],
    ['%lu %ld', [-1n, (1n << 64n) - 22n], '18446744073709551615 -22'],
    ['%zu %#zx', [104, 0x5000n], '104 0x5000'],
    ['%#x %#x %x', [0, 255, 255], '0 0xff ff'],
    ['%#X', [255], '0XFF'],
    ['%p', [0xffff_82d0_405b_0000n], 'ffff82d0405b0000'],
    ['%p', [0n], '0000000000000000'],
    ['%p', [null], '0000000000000000'],
    ['%*phN', [3, Uint8Array.of(0x48, 0x8d, 6)], '488d06'],
    ['%*phN', [0, Uint8Array.of(1)], ''],
    ['%*phN', [64, new Uint8Array(80).fill(1)], '01'.repeat(64)],
    ['%*phN', [70, new Uint8Array(80).fill(1)], '01'.repeat(64)],
    ['%6ph', [Uint8Array.of(0xff, 0x15, 0, 1, 2, 3)], 'ff 15 00 01 02 03'],
    ['%2phC %2phD', [Uint8Array.of(1, 2), Uint8Array.of(3, 4)], '01:02 03-04'],
    ['%phN', [Uint8Array.of(1)], ''],
    ['%pd', [3], 'd3'],
    ['Alt for %ps, %#x', ['foo+0x4/0x20', 6], 'Alt for foo+0x4/0x20, 0x6'],
    ['100%% %c', [65], '100% A'],
    ['%5d|%-5d|%05d', [-42, -42, -42], '  -42|-42  |-0042'],
    ['%*d|%*d', [5, 1, -5, 2], '    1|2    '],
    ['%hu %hd', [0x1_ffff, 0xffff], '65535 -1'],
    ['%s %d', [], '<NULL> 0'],
    ['%y %', [], '%y %'],
  ])('%s', (template, args, expected) => {
    expect(format(template, ...args)).toBe(expected);
  });

  it('knows machines with 32-bit pointers', () => {
    expect(formatter(4)('%p %lu %llu', 0x21_0000n, -1, -1)).toBe('00210000 4294967295 18446744073709551615');
  });

  it('bounds a width from a payload', () => {
    expect(format('%*d', 0x7fff_ffff, 1).length).toBeLessThan(2000);
  });

  it('does not expand conversions in an argument', () => {
    expect(format('%s%s', '%s', '$&')).toBe('%s$&');
  });

  it('agrees with printf(1) on integers', () => {
    const conversions = fc.record({
      flags: fc.constantFrom('', '-', '+', ' ', '0', '#', '-#', '0#', '+0'),
      width: fc.constantFrom('', '1', '9', '24'),
      precision: fc.constantFrom('', '.0', '.3', '.12'),
      conversion: fc.constantFrom('d', 'u', 'x', 'X'),
      value: fc.oneof(fc.integer({ min: 1, max: 0x7fff_ffff }), fc.integer({ min: -0x8000_0000, max: -1 })),
    });
    // Only signed conversions print negative numbers alike: printf(1) computes in 64 bits. `0` with a precision is Xen's own.
    const alike = conversions.filter(
      ({ flags, precision, conversion, value }) =>
        (conversion === 'd' || (value > 0 && !/[+ ]/.test(flags))) &&
        !(flags.includes('#') && /[du]/.test(conversion)) &&
        !(flags.includes('0') && precision !== ''),
    );
    const samples = fc.sample(alike, { numRuns: 200, seed: 1 });
    const template = samples.map((s) => `%${s.flags}${s.width}${s.precision}${s.conversion}`).join('|');
    const values = samples.map((s) => s.value);
    const printed = execFileSync('printf', [template, ...values.map(String)], { encoding: 'latin1' });
    expect(format(template, ...values)).toBe(printed);
  });
});

describe('oldText', () => {
  it.each([
    ['Not an ELF payload', 'Not an ELF payload!'],
    ['Section name idx is undefined', 'Section name idx is undefined!?'],
    ['Section header size is %u! Expected %zu.', 'Section header size is %u! Expected %zu!?'],
    ['Section [%u] data is past end of payload', 'Section [%u] data is past end of payload!'],
    ['%s is missing', '%s is missing!'],
    ["can't unload. Top is %s", "can't unload. Top is %s!"],
    ['Overflow in relocation %u in %s for %s', 'Overflow in relocation %u in %s for %s!'],
    ['Unknown symbol: %s', 'Unknown symbol: %s'],
    ['Encountered STN_UNDEF', 'Encountered STN_UNDEF'],
    ['duplicate new symbol: %s', 'duplicate new symbol: %s'],
    ['constructor', 'constructor'],
  ])('%s', (template, old) => {
    expect(oldText(template)).toBe(old);
  });
});
