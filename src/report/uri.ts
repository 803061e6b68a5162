/** Characters that stand for themselves in a path. Source: RFC 3986, sections 2.3 (unreserved) and 3.3. */
const PLAIN = /[A-Za-z0-9\-._~/]/;

/** Returns the UTF-8 bytes of a code point above U+00FF, which byte strings never hold but other text may. */
function utf8(code: number): number[] {
  if (code < 0x800) return [0xc0 | (code >> 6), 0x80 | (code & 0x3f)];
  if (code < 0x10000) return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)];
  return [0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)];
}

/** Percent-encodes the bytes of a path that a URI may not have, and colons, which would make a scheme of it. */
function encoded(path: string): string {
  let out = '';
  for (const character of path) {
    if (PLAIN.test(character)) out += character;
    else {
      const code = character.codePointAt(0) ?? 0;
      for (const byte of code <= 0xff ? [code] : utf8(code))
        out += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    }
  }
  return out;
}

/**
 * A path as a URI reference: below `cwd` relative to it, as the tools want it that read reports; other relative paths as they are; other
 * absolute ones as `file:`. Both are byte strings.
 */
export function uriOf(path: string, cwd: string): string {
  const top = cwd.endsWith('/') ? cwd : `${cwd}/`;
  if (path.startsWith(top)) return encoded(relative(path.slice(top.length)));
  if (path.startsWith('/')) return `file://${encoded(path)}`;
  return encoded(relative(path));
}

/** Removes a leading `./` and doubled slashes, which would give one file two names. */
const relative = (path: string): string => path.replace(/\/{2,}/g, '/').replace(/^(?:\.\/)+(?=.)/, '');
