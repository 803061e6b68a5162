import type { CodeWriter, PayloadSpec, SectionSpec, X86Value } from '../../synth/index.ts';
import { hookPayload, say, type WriteCode } from '../../synth/index.ts';
import type { ConformCase, ConformStep } from '../case.ts';

/** Cases about what printk and vsnprintf make of a hook's text. */

const steps: readonly ConformStep[] = [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }];

export const BYTES: SectionSpec = {
  name: '.data',
  flags: 'AW',
  hex: '0123456789abcdef00112233445566778899aabbccddeeff'.repeat(4),
  align: 8,
  symbols: [{ name: 'some_bytes', at: 0 }],
};

const single = (name: string, write: WriteCode, rest: PayloadSpec = {}): ConformCase => ({
  name: `hook-printk-${name}`,
  payloads: { p: hookPayload({ prints: (code) => write(code).ret() }, { load: ['prints'] }, rest) },
  steps,
});

/** A conversion and its arguments: printed as `%5d = [   42]`. */
export type Conversion = readonly [string, ...X86Value[]];
const conversions = (name: string, list: readonly Conversion[]): ConformCase =>
  single(
    name,
    (code) => {
      for (const [format, ...args] of list) say(code, `<0>${format.replaceAll('%', '%%')} = [${format}]\n`, ...args);
      return code;
    },
    { sections: [BYTES] },
  );

const TEXT: X86Value = { text: 'text' };
const DATA: X86Value = { symbol: 'some_bytes' };
const XEN: X86Value = { symbol: 'xen_extra_version' };
const ONES = 0xffff_ffff_ffff_ffffn;

export const numbers: readonly Conversion[] = [
  ...['%d', '%i', '%u', '%x', '%X', '%o', '%#x', '%#X', '%#o', '%ld', '%lu', '%zd', '%lld', '%hd', '%hu', '%hx'].map(
    (format): Conversion => [format, BigInt(-123_456)],
  ),
  ...['%#x', '%#X', '%#o', '%x', '%.0d'].map((format): Conversion => [format, 0]),
  ...['%5d', '%-5d', '%05d', '%+d', '% d', '%+05d', '%.4d', '%8.4d', '%08.4d'].map(
    (format): Conversion => [format, 42],
  ),
  ['%*d', 7, 42],
  ['%-*d', 7, 42],
  ['%*d', BigInt(-7), 42],
  ['%.*d', 4, 42],
  ...['%lu', '%lx', '%#lx', '%llx', '%Lx', '%zu', '%zx', '%#018lx'].map((format): Conversion => [format, ONES]),
  ['%#018lx', 0x1234],
  ['%016lx', 0x1234],
];

export const strings: readonly Conversion[] = [
  ['%p', 0x1234],
  ['%p', 0],
  ['%20p', 0x1234],
  ['%-20p', 0x1234],
  ...['%s', '%10s', '%-10s', '%.2s', '%10.2s'].map((format): Conversion => [format, TEXT]),
  ['%.*s', 2, TEXT],
  ['%s', { text: '' }],
  ['%s', 0],
  ['%s', 0x500],
  ...['%c', '%5c', '%-5c', '%lc'].map((format): Conversion => [format, 65]),
  ['%c', 0x12c],
  ...['%td', '%hhd', '%hhx', '%e', '%y', '%I', '%q', '%_x'].map((format): Conversion => [format, 1]),
  ['%%'],
  ['%'],
  ['%5%'],
];

export const pointers: readonly Conversion[] = [
  ...['%ps', '%pS', '%40pS', '%-40pS'].map((format): Conversion => [format, XEN]),
  ...['%ps', '%pS'].flatMap((format): Conversion[] => [
    [format, { symbol: 'xen_extra_version', plus: 3 }],
    [format, { symbol: 'prints' }],
    [format, { symbol: 'prints', plus: 9 }],
    [format, { symbol: 'common/livepatch.c#apply_payload', plus: 1 }],
    [format, DATA],
    [format, 0],
    [format, 0x1234],
  ]),
  ...['%*ph', '%*phN', '%*phC', '%*phD'].map((format): Conversion => [format, 6, DATA]),
  ['%6ph', DATA],
  ['%ph', DATA],
  ['%*ph', 0, DATA],
  ['%*phN', 70, DATA],
  ['%*phN', BigInt(-1), DATA],
  ...[0, 5, 16, 40, 64].flatMap((bits): Conversion[] => [
    ['%*pb', bits, DATA],
    ['%*pbl', bits, DATA],
  ]),
  ['%pb', DATA],
  ['%pp', DATA],
  ['%pd', 0],
  ['%pv', 0],
];

/** Lines of so many characters; the buffer takes 1023. */
const long =
  (length: number): WriteCode =>
  (code) =>
    say(say(code, `<0>${`${length} `.padEnd(length, 'x')}\n`), '<0>next\n');

const levels: WriteCode = (code) => {
  for (const level of ['<0>', '<1>', '<2>', '<3>', '', '<4>', '<X>', '<G>', '<G><1>', '<0><1>', '<0', '<0>>']) {
    say(code, `${level}level\n`);
  }
  return say(code, '<0>one\n<2>two\nthree\n');
};

const pieces: WriteCode = (code) => {
  for (const text of ['<0>first,', ' second,', '<1>third\n', '', '\n', '<0>', '<0>\n', '<0>end\n']) say(code, text);
  return code;
};

const formats: WriteCode = (code: CodeWriter) => {
  code.callWith('snprintf', [DATA, 8, { text: 'hello %d world' }, 42]).move('rsi', 'rax');
  return code.set('rdx', DATA).set('rdi', { text: '<0>%d [%s]\n' }).raw('31c0').call('printk');
};

export const PRINTK_CASES: readonly ConformCase[] = [
  conversions('numbers', numbers),
  conversions('strings', strings),
  conversions('pointers', pointers),
  single('many-arguments', (code) =>
    say(code, '<0>%d %d %d %d %d %d %d %d %s\n', 1, 2, 3, 4, 5, 6, 7, 8, { text: 'nine' }),
  ),
  single('levels', levels),
  single('pieces', pieces),
  single('unfinished', (code) => say(code, '<0>left open')),
  single('control-characters', (code) => say(code, '<0>a\tb\x01\x1b[31m\xff\rc\n')),
  ...[1000, 1022, 1023, 1024, 3000].map((length) => single(`line-${length}`, long(length))),
  single('snprintf', formats, { sections: [BYTES] }),
];
