import { afterAll, describe, expect, it } from 'vitest';
import { type Subject, subject } from './support/subject.ts';

const subjects: Subject[] = [];
afterAll(() => {
  for (const each of subjects) each.remove();
});

const source = (above: string, more: number): string => `#include <xen.h>
${above}
noinline int f(int x)
{
    printk("%s:%d", "a.c", __LINE__);
    printk("%d", x + ${more});
    printk("%s:%d", "a.c", __LINE__);
    return x;
}
`;

describe.each(['x86_64', 'arm64'] as const)('the first difference on %s', (arch) => {
  it('is what has changed, not a line of source that has moved with it', async () => {
    const xen = await subject(arch, { 'a.c': source('', 100) });
    subjects.push(xen);
    const told = (after: string): readonly unknown[] => {
      const { functions } = xen.diff({ 'a.c': after });
      return functions.map(({ status, firstDifference }) => [status, firstDifference?.source]);
    };
    // The changed statement is in line 7 with a line more above it.
    expect(told(source('/* one more */\n', 36))).toEqual([['changed', 'common/a.c:7']]);
    // Where nothing else differs, it is the line.
    expect(told(source('/* one more */\n', 100))).toEqual([['line-only', 'common/a.c:6']]);
  });
});
