import { afterAll, describe, expect, it } from 'vitest';
import { diffPairs, type PairsDiff } from '../../src/diff/index.ts';
import { disassembler, type Subject, subject } from './support/subject.ts';

const SOURCE = `#include <xen.h>
static int rate = 5;
static int last;
static noinline int limit(int x) { return last = x > rate ? rate : x; }
int twice(int x);
noinline int twice(int x) { return limit(x) * 2 + last; }
`;

const subjects: Subject[] = [];
afterAll(() => {
  for (const each of subjects) each.remove();
});

/** The same object with another name of its source; both have the same length. */
function renamed(object: Uint8Array, from: string, to: string): Uint8Array {
  const bytes = Buffer.from(object);
  for (let at = bytes.indexOf(`\0${from}\0`); at >= 0; at = bytes.indexOf(`\0${from}\0`)) bytes.write(to, at + 1);
  return bytes;
}

describe('objects whose source the hypervisor has under another name', () => {
  const diffOf = async (after: string): Promise<PairsDiff> => {
    const built = await subject('x86_64', { 'a.c': SOURCE });
    subjects.push(built);
    const { image, release, object, compile } = built;
    const [orig, patched] = [object('a.c'), compile('a.c', after)].map((each) =>
      renamed(each, 'common/a.c', 'common/z.c'),
    );
    const pair = { object: 'common/a.o', orig: orig as Uint8Array, patched: patched as Uint8Array };
    return diffPairs(image, release, [pair], { disassembler: await disassembler() });
  };

  it('that is told once, whatever is missing', async () => {
    const { verdict, refusals } = await diffOf(SOURCE.replace('x > rate', 'x < rate').replace('* 2', '* 3'));
    expect(verdict).toBe('refused');
    expect(refusals).toEqual([
      {
        rule: 'not-in-hypervisor',
        severity: 'error',
        where: { file: 'common/a.o' },
        message:
          'the original object was compiled from common/z.c, but the hypervisor has no static symbols of that file',
        advice: expect.stringMatching(/objcopy --redefine-sym NAME\.c=PATH\/NAME\.c$/),
      },
    ]);
  });

  it('nothing is wrong where only globals are needed', async () => {
    const { verdict } = await diffOf(SOURCE.replace('limit(x) * 2 + last', 'x * 7'));
    expect(verdict).toBe('built');
  });
});
