import { type Address, addOffset, cString } from '../base/index.ts';
import { type ObservableTarget, PAGE_SIZE } from '../xen/index.ts';

/** Longest text that is read, in bytes. */
const LONGEST = 4096;

/** Returns the NUL-terminated text at an address; `null` if it is too long, or not all of it is mapped. */
export async function textAt(target: ObservableTarget, address: Address): Promise<string | null> {
  // Nothing is mapped in the first page.
  if (address < BigInt(PAGE_SIZE)) return null;
  let text = '';
  for (let at = address; text.length < LONGEST; ) {
    // Read up to the end of the page: the next one need not be mapped.
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

/** Returns the text if it is printable ASCII, otherwise `null`: a number that happens to be an address mostly points to something else. */
export const writtenText = (text: string | null): string | null =>
  text !== null && /^[\t\n -~]+$/.test(text) ? text : null;
