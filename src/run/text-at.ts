import { type Address, addOffset, cString } from '../base/index.ts';
import { type ObservableTarget, PAGE_SIZE } from '../xen/index.ts';

/** Longest text that is read, in bytes. */
const LONGEST = 4096;

/** Returns the NUL-terminated text at an address; `null` where it has no end, or is not all in mapped memory. */
export async function textAt(target: ObservableTarget, address: Address): Promise<string | null> {
  // Nothing is mapped in the first page.
  if (address < BigInt(PAGE_SIZE)) return null;
  let text = '';
  for (let at = address; text.length < LONGEST; ) {
    // Up to the end of the page: the next one need not be mapped.
    const room = PAGE_SIZE - Number(at & BigInt(PAGE_SIZE - 1));
    const bytes = await target.peek(at, room);
    if (bytes === null) return null;
    const part = cString(bytes, 0);
    text += part;
    if (part.length < bytes.length) return text;
    at = addOffset(at, room);
  }
  return null;
}

/** Returns the text if it looks like something that a person wrote: what a number happens to point at mostly does not. */
export const writtenText = (text: string | null): string | null =>
  text !== null && /^[\t\n -~]+$/.test(text) ? text : null;
