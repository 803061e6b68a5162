/** A small reader of XML, which refuses whatever is not well-formed. */

/** One element. */
export interface Element {
  readonly name: string;
  readonly attributes: Record<string, string>;
  readonly children: Element[];
  text: string;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };

/** What a text of XML stands for. Throws for what is no text. */
export function decoded(text: string): string {
  if (/[<]|&(?!(?:amp|lt|gt|quot|#\d+);)/.test(text)) throw new Error(`not escaped: ${text}`);
  return text.replace(/&(?:#(\d+)|(\w+));/g, (_, code: string | undefined, name: string) =>
    code === undefined ? (ENTITIES[name] as string) : String.fromCodePoint(Number(code)),
  );
}

/** Reads XML of elements and text. Throws where it is not well-formed (XML 1.0, section 2.1). */
export function readXml(xml: string): Element {
  const outside = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.exec(xml);
  if (outside !== null) throw new Error(`a character that XML has not: ${outside[0].codePointAt(0)}`);
  const body = xml.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, '');
  if (body === xml) throw new Error('no declaration');
  const root: Element = { name: '', attributes: {}, children: [], text: '' };
  const open = [root];
  let at = 0;
  const tag = /<(\/?)([a-z][a-z-]*)((?: [a-z]+="[^"<]*")*)(\/?)>/y;
  while (at < body.length) {
    const next = body.indexOf('<', at);
    const top = open[open.length - 1] as Element;
    top.text += decoded(body.slice(at, next < 0 ? body.length : next));
    if (next < 0) break;
    tag.lastIndex = next;
    const found = tag.exec(body);
    if (found === null) throw new Error(`no tag: ${body.slice(next, next + 40)}`);
    at = tag.lastIndex;
    const [, end, name = '', attributes = '', empty] = found;
    if (end === '/') {
      if (open.pop()?.name !== name) throw new Error(`${name} is ended and was not begun`);
      continue;
    }
    const pairs = [...attributes.matchAll(/ ([a-z]+)="([^"]*)"/g)].map(
      ([, key = '', value = '']) => [key, decoded(value)] as const,
    );
    if (new Set(pairs.map(([key]) => key)).size !== pairs.length) throw new Error(`an attribute twice in ${name}`);
    const element: Element = { name, attributes: Object.fromEntries(pairs), children: [], text: '' };
    top.children.push(element);
    if (empty !== '/') open.push(element);
  }
  const [only, ...others] = root.children;
  if (open.length !== 1 || only === undefined || others.length > 0 || root.text.trim() !== '')
    throw new Error('not one element');
  return only;
}
