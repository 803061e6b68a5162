import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LintedPayload } from '../../src/lint/index.ts';
import { companionsInFolder } from '../../src/run/lint-set.ts';

/** A payload by its build-id, what it depends on, and the hypervisor that it names: all that is looked at. */
function payload(id: string, depends?: string, xen = 'xen'): LintedPayload {
  const note = (text: string | undefined) => (text === undefined ? undefined : { id: text });
  const identity = { buildId: note(id), depends: note(depends), xenDepends: note(xen) };
  return { file: `${id}.livepatch`, name: id, content: { identity } } as unknown as LintedPayload;
}

const names = (payloads: readonly LintedPayload[]): string[] => payloads.map(({ name }) => name);

describe('the payloads of a folder', () => {
  const third = payload('a', 'b');
  const second = payload('b', 'c');
  const first = payload('c', 'xen');
  const other = payload('d', 'other', 'other');
  const all = [third, second, first, other];

  it('follow their dependencies', () => {
    expect(names(companionsInFolder(third, all))).toEqual(['c', 'b', 'a']);
  });

  it('stand among those for the same hypervisor, and their dependencies', () => {
    expect(names(companionsInFolder(other, all))).toEqual(['d']);
    const stray = payload('e', 'd');
    expect(names(companionsInFolder(stray, [...all, stray]))).toEqual(['c', 'b', 'a', 'd', 'e']);
  });

  it('are all there, each once, whatever the dependencies', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.constantFrom(...ids), { nil: undefined }), { minLength: 5, maxLength: 5 }),
        (links) => {
          const set = ids.map((id, i) => payload(id, links[i]));
          for (const each of set) {
            const found = names(companionsInFolder(each, set));
            expect([...found].sort()).toEqual(ids);
          }
        },
      ),
    );
  });
});
