import { describe, expect, it } from 'vitest';
import { readDump } from '../../src/xen/index.ts';

const place = 'state=CHECKED(1) ffff82d0405b0000 (.data=ffff82d0405b1000, .rodata=ffff82d0405b1000) using 2 pages.';
const patch = 'patch ffff82d040234b20(12) with ffff82d0405b0000 (8)';

describe('readDump', () => {
  it.each([
    ['in one line', [` name=p ${place}`, `    f ${patch}`], 'p', 'f'],
    ['divided by a line break in the payload’s name', [' name=a', `b ${place}`, `    f ${patch}`], 'a\nb', 'f'],
    ['divided twice, in both names', [' name=', '', `p ${place}`, '    g', `h ${patch}`], '\n\np', 'g\nh'],
    ['behind the start of a line that never ends', [' name=lost', ` name=p ${place}`, `    f ${patch}`], 'p', 'f'],
  ])('finds a payload and its function %s', (_, lines, name, symbol) => {
    const heading = ["'x' pressed - Dumping all livepatch patches", 'build-id: 00'];
    expect(readDump([...heading, ...lines, 'build-id=00'])).toMatchObject([
      { name, state: 'CHECKED', pages: 2, functions: [{ name: symbol, oldSize: 12, newSize: 8 }] },
    ]);
  });
});
