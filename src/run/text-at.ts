import { type Address, addOffset, cString } from '../base/index.ts';
import { type ObservableTarget, PAGE_SIZE } from '../xen/index.ts';

/** Longest text that a result may point to. */
const LONGEST = 4096;

/** The text at an address, up to its NUL; `null` where it does not end, or not in mapped memory. */
export async function textAt(target: ObservableTarget, address: Address): Promise<string | null> {
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

/** The same where it looks like text that somebody wrote: what a number happens to point at mostly does not. */
export async function writtenTextAt(target: ObservableTarget, address: Address): Promise<string | null> {
  if (address < BigInt(PAGE_SIZE)) return null;
  const text = await textAt(target, address);
  return text !== null && /^[\t\n -~]+$/.test(text) ? text : null;
}
