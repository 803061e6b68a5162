/**
 * Converts text to the byte string that Xen sees: UTF-8, one character per byte, as names and console lines of a target are. A lone surrogate
 * becomes U+FFFD.
 */
export function byteText(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text;
  const whole = text.replace(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g, (part) =>
    part.length === 2 ? part : '\ufffd',
  );
  return encodeURIComponent(whole).replace(/%([0-9A-F]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}
