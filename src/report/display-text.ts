/**
 * Byte strings as text that is safe to show. Names, metadata and console lines come from payloads, and a payload may be
 * hostile: nothing in it may reach a terminal as a control sequence.
 */

/** First byte's mask → bytes that follow, and the smallest code point that may be written so. RFC 3629, section 3. */
const LEADS = [
  { mask: 0xe0, bits: 0xc0, more: 1, least: 0x80 },
  { mask: 0xf0, bits: 0xe0, more: 2, least: 0x800 },
  { mask: 0xf8, bits: 0xf0, more: 3, least: 0x10000 },
] as const;

/** Returns the UTF-8 sequence at `at`; undefined if the bytes there are not one. */
function decodeAt(bytes: string, at: number): { code: number; size: number } | undefined {
  const first = bytes.charCodeAt(at);
  const lead = LEADS.find((row) => (first & row.mask) === row.bits);
  if (lead === undefined) return undefined;
  let code = first & ~lead.mask & 0xff;
  for (let i = 1; i <= lead.more; i++) {
    const next = bytes.charCodeAt(at + i);
    if (!((next & 0xc0) === 0x80 && next <= 0xff)) return undefined;
    code = (code << 6) | (next & 0x3f);
  }
  const valid = code >= lead.least && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return valid ? { code, size: lead.more + 1 } : undefined;
}

const escapeByte = (byte: number): string => `\\x${byte.toString(16).padStart(2, '0')}`;

/** Controls, format characters (direction marks among them), line and paragraph separators, unassigned, surrogates. */
const UNSAFE = /^[\p{C}\p{Zl}\p{Zp}]$/u;

const showCode = (code: number): string => {
  const character = String.fromCodePoint(code);
  return UNSAFE.test(character) ? `\\u{${code.toString(16)}}` : character;
};

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\0': '\\0' };

/**
 * A byte string (one character per byte) as text: valid UTF-8 is decoded, every other byte above 0x7f becomes `\xNN`;
 * control and format characters are escaped, so the result has no line break and no escape sequence. Characters above
 * U+00FF, which no byte string has, are kept unless they are unsafe.
 */
export function displayText(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  let out = '';
  for (let at = 0; at < text.length; ) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) {
      const character = text[at] as string;
      out += unit >= 0x20 && unit !== 0x7f ? character : (SHORT[character] ?? escapeByte(unit));
      at += 1;
    } else if (unit <= 0xff) {
      const decoded = decodeAt(text, at);
      out += decoded === undefined ? escapeByte(unit) : showCode(decoded.code);
      at += decoded?.size ?? 1;
    } else {
      const code = text.codePointAt(at) as number;
      out += showCode(code);
      at += code > 0xffff ? 2 : 1;
    }
  }
  return out;
}
