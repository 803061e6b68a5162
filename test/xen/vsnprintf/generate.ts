import {
  ARENA,
  DOMAIN_IDS,
  DOMAIN_STEP,
  DOMAINS,
  generator,
  LONG_STRING,
  NOISE,
  STRING_COUNT,
  STRING_STEP,
  STRINGS,
  SYMBOLS,
  SYMBOLS_SIZE,
  VCPU_STEP,
  VCPUS,
} from './world.ts';

/** A call of vsnprintf with arguments that match its format. */
export interface Call {
  readonly size: number;
  readonly format: string;
  readonly args: readonly bigint[];
}

const FLAGS = ['', '', '', '-', '+', ' ', '#', '0', '-0', '+0', '#0', ' #', '-#', '+ ', '00', '-+ #0'];
const QUALIFIERS = ['', '', '', 'h', 'hh', 'l', 'll', 'L', 'z', 'Z', 't', 'j', 'lll', 'q'];
const INTEGERS = ['d', 'i', 'u', 'x', 'X', 'o'];
const OTHERS = ['%', 'y', 'e', 'f', ' ', '', 'P', 'D', 'a'];
const TEXT = ['', '', ' ', 'x', 'C', 'l', 'CPU: ', '%%', '100', 'N', 's', '\n', '\u00e9'];

/** Yields `count` calls, the same for the same seed. */
export function* calls(seed: number, count: number): Generator<Call> {
  const random = generator(seed);
  const pick = <T>(from: readonly T[]): T => from[random(from.length)] as T;
  const word = (): bigint => (BigInt(random(2 ** 32)) << 32n) | BigInt(random(2 ** 32));

  const number = (): bigint =>
    pick([
      () => BigInt(random(10)),
      () => BigInt.asUintN(64, -BigInt(random(10))),
      () => BigInt(random(2 ** 32)),
      // An int in a register whose upper half is undefined.
      () => word(),
      () => 1n << BigInt(random(64)),
      () => (1n << BigInt(random(64))) - 1n,
    ])();

  /** A width or precision from an argument; the upper half of the slot is ignored. */
  const star = (limit: number): bigint => {
    const value = BigInt.asUintN(32, BigInt(random(2 * limit) - limit));
    return value | (BigInt(random(3)) << 40n);
  };

  const address = (suffix: string): bigint => {
    if (suffix.startsWith('h')) return ARENA + BigInt(NOISE + random(0x1000));
    if (suffix.startsWith('b')) return ARENA + BigInt(NOISE + 8 * random(0x180));
    if (suffix.startsWith('d'))
      return random(8) === 0 ? 0n : ARENA + BigInt(DOMAINS + random(DOMAIN_IDS.length) * DOMAIN_STEP);
    if (suffix.startsWith('v')) {
      return random(8) === 0 ? 0n : ARENA + BigInt(VCPUS + random(DOMAIN_IDS.length + 1) * VCPU_STEP);
    }
    if (suffix.startsWith('p')) return ARENA + BigInt(NOISE + 4 * random(0x700));
    if (/^[sS]/.test(suffix)) return random(4) === 0 ? number() : SYMBOLS + BigInt(random(SYMBOLS_SIZE));
    return number();
  };

  const string = (): bigint => {
    const kind = random(10);
    if (kind === 0) return BigInt(random(4096));
    if (kind === 1) return ARENA + BigInt(LONG_STRING + random(0x40));
    return ARENA + BigInt(STRINGS + random(STRING_COUNT) * STRING_STEP + random(4));
  };

  for (let i = 0; i < count; i++) {
    let format = pick(TEXT);
    const args: bigint[] = [];
    let meant = '';
    for (let conversions = 1 + random(3); conversions > 0; conversions--) {
      format += `%${pick(FLAGS)}`;
      const width = random(6);
      if (width === 1) format += String(random(40));
      else if (width === 2) {
        format += '*';
        args.push(star(40));
      }
      const precision = random(6);
      if (precision === 1) format += `.${random(20)}`;
      else if (precision === 2) format += '.';
      else if (precision === 3) {
        format += '.*';
        args.push(star(20));
      }
      const kind = random(12);
      if (kind < 4) {
        const [qualifier, letter] = [pick(QUALIFIERS), pick(INTEGERS)];
        format += qualifier + letter;
        meant += ['', 'h', 'l', 'll', 'L', 'z', 'Z'].includes(qualifier) ? letter : '?';
        args.push(number());
      } else if (kind < 6) {
        format += `${pick(['', '', 'l'])}s`;
        meant += 's';
        args.push(string());
      } else if (kind === 6) {
        format += 'c';
        meant += 'c';
        args.push(number());
      } else if (kind < 11) {
        const suffix = pick(['', 's', 'S', 'd', 'v', 'p', 'h', 'hC', 'hD', 'hN', 'b', 'bl', 'x', 'B']);
        // A length from the format, or from an argument as in Xen's own calls; otherwise most calls would print nothing.
        if (/^[hb]/.test(suffix) && random(3) !== 0) {
          format += `%${pick(['*', '*', String(random(90))])}`;
          if (format.endsWith('*')) args.push(star(200));
        }
        format += `p${suffix}`;
        meant += 'p';
        args.push(address(suffix));
      } else {
        const letter = pick(OTHERS);
        format += letter;
        if (letter !== '%') meant += '?';
      }
      format += pick(TEXT);
    }
    const read = letters(format).replaceAll('%', '');
    if (read !== meant) continue;
    // An argument left over by an unknown conversion must not become a pointer of the next.
    if (/\?.*[sp]/.test(read)) continue;
    yield { size: pick([0, 1, 2, 8, 24, 128, 1024, 1024, 1024]), format, args };
  }
}

/**
 * Returns the letters of the conversions as Xen parses them, `?` for unknown ones. If text after a `%` became part of a
 * conversion, the arguments no longer match, and pointers might be anything.
 */
function letters(format: string): string {
  const found = format.matchAll(/%[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d*))?(?:ll|[hlLzZ])?(.?)/gs);
  return [...found].map(([, letter = '']) => ('diuxXocsp%'.includes(letter) && letter !== '' ? letter : '?')).join('');
}
