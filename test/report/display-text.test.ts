import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { displayText } from '../../src/report/index.ts';

const bytesOf = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

describe('displayText', () => {
  it('leaves plain ASCII alone', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((c) => String.fromCharCode(c)) }),
        (text) => {
          expect(displayText(text)).toBe(text);
        },
      ),
    );
  });

  it('decodes UTF-8 as Node does, where every character is printable', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!/[\p{C}\p{Zl}\p{Zp}]/u.test(text));
        expect(displayText(bytesOf(text))).toBe(text);
      }),
    );
  });

  it('gives printable text for any bytes, and loses none of them', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const shown = displayText(Buffer.from(bytes).toString('latin1'));
        expect(shown).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
        let valid = true;
        try {
          decoder.decode(bytes);
        } catch {
          valid = false;
        }
        // Bytes that are no UTF-8 show as \xNN; a valid text has that only for its ASCII controls.
        if (!valid) expect(shown).toMatch(/\\x[0-9a-f]{2}/);
      }),
    );
  });

  it.each([
    ['escape sequences', '\x1b[2J\x07', '\\x1b[2J\\x07'],
    ['line breaks', 'a\nb\r\tc\0', 'a\\nb\\r\\tc\\0'],
    ['C1 controls as raw bytes', '\x9b31m', '\\x9b31m'],
    ['C1 controls in UTF-8', '\xc2\x9b31m', '\\u{9b}31m'],
    ['overlong forms', '\xc0\x9b \xe0\x80\x9b', '\\xc0\\x9b \\xe0\\x80\\x9b'],
    ['surrogates in UTF-8', '\xed\xa0\x80', '\\xed\\xa0\\x80'],
    ['beyond Unicode', '\xf4\x90\x80\x80', '\\xf4\\x90\\x80\\x80'],
    ['a cut sequence', 'caf\xc3', 'caf\\xc3'],
    ['direction marks', bytesOf('a\u202eb'), 'a\\u{202e}b'],
    ['text that is no byte string', 'a\u2192b\u{1f600}\u2028', 'a\u2192b\u{1f600}\\u{2028}'],
    ['a lone surrogate', 'a\ud800', 'a\\u{d800}'],
  ])('makes %s visible', (_what, text, shown) => {
    expect(displayText(text)).toBe(shown);
  });
});
