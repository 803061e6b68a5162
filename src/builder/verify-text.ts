import type { CheckedPayload, DocumentFinding } from '../documents/index.ts';
import { placeText } from '../report/index.ts';

/** What a finding says, and where, in one line. The file is left out: there is only one. */
export function findingText({ message, where, source }: DocumentFinding): string {
  const { file: _file, symbol: _symbol, ...rest } = where;
  const places = [placeText(rest), source === undefined ? '' : `${source.file}:${source.line}`];
  const place = places.filter((text) => text !== '').join(', ');
  return place === '' ? message : `${message} (${place})`;
}

/** Who refuses the payload and how it shows on a host: in front of, and behind what is wrong. */
export function refusedText(what: string, { errno, console }: Pick<CheckedPayload, 'errno' | 'console'>): string {
  const last = console.at(-1);
  // Most of Xen's lines end in what the finding says already.
  const printed = last === undefined || last.includes(what) ? '' : `; Xen prints "${last}"`;
  return `Xen refuses the payload${errno === null ? '' : ` with ${errno}`}: ${what}${printed}`;
}
