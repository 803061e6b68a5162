/** Characters that XML 1.0 forbids, even as references. Source: XML 1.0, section 2.2, Char. */
const FORBIDDEN = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
  '\r': '&#13;',
  '\t': '&#9;',
};

/** Escapes text for an attribute or between tags. What XML forbids becomes U+FFFD. */
export const xmlText = (text: string): string =>
  text.replace(FORBIDDEN, '\ufffd').replace(/[&<>"\n\r\t]/g, (character) => ENTITIES[character] ?? character);

/** Attributes of a start tag. */
export type Attributes = Readonly<Record<string, string | number>>;

/** Renders an element, indented, with its children on lines of their own. */
export function element(name: string, attributes: Attributes, children: readonly string[], indent: string): string {
  const start = Object.entries(attributes).map(([key, value]) => ` ${key}="${xmlText(String(value))}"`);
  const head = `${indent}<${name}${start.join('')}`;
  return children.length === 0 ? `${head}/>` : `${head}>\n${children.join('\n')}\n${indent}</${name}>`;
}

/** Renders an element with text in it. The lines must be safe to show. */
export const textElement = (name: string, attributes: Attributes, lines: readonly string[], indent: string): string =>
  element(name, attributes, [lines.map(xmlText).join('\n')], indent);

/** A whole document. */
export const xmlDocument = (root: string): string => `<?xml version="1.0" encoding="UTF-8"?>\n${root}\n`;
