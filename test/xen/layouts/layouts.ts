import { readFileSync } from 'node:fs';

/** A member's place according to a compiler; with `member` `-`, the size of the structure. */
export interface Placed {
  readonly struct: string;
  readonly member: string;
  /** In bytes. */
  readonly offset: number;
  /** In bytes. */
  readonly size: number;
}

/** Returns the recorded layout of a version's structures (`record.py`). */
export function recordedLayout(version: string): Placed[] {
  return readFileSync(new URL(`${version}.txt`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [struct = '', member = '', offset, size] = line.split(' ');
      return { struct, member, offset: Number(offset), size: Number(size) };
    });
}

/** Returns the layout of one structure. */
export const recordedStruct = (version: string, struct: string): Placed[] =>
  recordedLayout(version).filter((placed) => placed.struct === struct);
