import type { CheckedPayload, DocumentFinding } from '../documents/index.ts';
import { placeText } from '../report/index.ts';

/** Formats a finding and its place in one line, without the file: there is only one. */
export function findingText({ message, where, source }: DocumentFinding): string {
  const { file: _file, symbol: _symbol, ...rest } = where;
  const places = [placeText(rest), source === undefined ? '' : `${source.file}:${source.line}`];
  const place = places.filter((text) => text !== '').join(', ');
  return place === '' ? message : `${message} (${place})`;
}

/** Returns the text before and after the fault: who refuses the payload, and what a host prints. */
export function refusedText(what: string, { errno, console }: Pick<CheckedPayload, 'errno' | 'console'>): string {
  const last = console.at(-1);
  // Most of Xen's lines end in the finding's own text.
  const printed = last === undefined || last.includes(what) ? '' : `; Xen prints "${last}"`;
  return `Xen refuses the payload${errno === null ? '' : ` with ${errno}`}: ${what}${printed}`;
}
