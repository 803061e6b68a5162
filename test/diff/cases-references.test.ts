import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { called } from './support/called.ts';
import { byStatus, type Sources, type Subject, type SubjectArch, subject } from './support/subject.ts';

const ARCHITECTURES: readonly SubjectArch[] = ['x86_64', 'arm64'];

/** Two versions of a source, and what must become of them. */
interface Case {
  /** A folder of `cases/`; or a title, where the versions are here. */
  readonly name: string;
  readonly sources?: readonly [before: string, after: string];
  /** More flags of the compiler, before and after. */
  readonly flags?: readonly string[];
  readonly compiler?: 'clang';
  readonly only?: SubjectArch;
  /** Calls with their answers while the payload is applied; none where it is refused. */
  readonly calls?: readonly string[];
  /** Functions that are replaced, where that is not seen by calling them. */
  readonly changed?: readonly string[];
  readonly refusal?: RegExp;
  readonly advice?: RegExp;
  readonly remark?: RegExp;
}

const HEAD = '#include <xen.h>\n';

/** A source in two versions: in the second, each `{a|b}` is `b`, and `{|b}` is new. */
const versions = (text: string): readonly [string, string] => [
  HEAD + text.replace(/\{\{(.*?)\|(.*?)\}\}/gs, '$1'),
  HEAD + text.replace(/\{\{(.*?)\|(.*?)\}\}/gs, '$2'),
];

const CASES: readonly Case[] = [
  { name: '72-constant-near-its-line', calls: ['quota(5) = 13'] },
  {
    name: 'a number that moves along with its line, and is printed as something else',
    sources: versions(
      'int f(int i);{{|\n}}\nnoinline int f(int i) { printk("limit %d, %s:%d", {{4|5}}, "a.c", __LINE__); return i + 1; }\n',
    ),
    changed: ['f'],
    calls: ['f(1) = 2'],
  },
  {
    name: 'a number that moves along with its line, and is kept while something is printed',
    sources: versions(
      'int f(int i);{{|\n}}\nnoinline int f(int i) { int r = {{4|5}}; if ( i ) { r = {{40|41}}; printk("%s:%d", "a.c", i); } return r; }\n',
    ),
    calls: ['f(1) = 41', 'f(0) = 5'],
  },
  {
    name: 'a number that moves along with its line, as an argument of a function that takes no line',
    sources: versions(
      'int f(int i); int g(int i, int j);\nnoinline int g(int i, int j) { nag_administrator(); return i * j; }{{|\n}}\nnoinline int f(int i) { return g(i, {{5|6}}) + 1; }\n',
    ),
    calls: ['f(2) = 13'],
  },
  { name: '21b-adjacent-functions', only: 'x86_64', calls: ['one(2) = 10', 'two(2) = 12'] },
  { name: '21c-adjacent-c-functions', flags: ['-O1'], calls: ['one(2) = 10', 'two(2) = 12', 'three(2) = 16'] },
  { name: '21c-adjacent-c-functions', flags: ['-Os'], calls: ['one(2) = 10', 'two(2) = 12', 'three(2) = 16'] },
];

function sourcesOf({ name: folder, sources }: Case, side: 0 | 1): Sources {
  if (sources !== undefined) return { 'a.c': sources[side] };
  const path = join('test/diff/cases', folder);
  const prefix = side === 0 ? 'before' : 'after';
  const names = readdirSync(path).filter((name) => name.startsWith(prefix));
  return Object.fromEntries(
    names.map((name) => [name.replace(prefix, 'a').replace('a-', ''), readFileSync(join(path, name), 'utf8')]),
  );
}

const subjects: Subject[] = [];
afterAll(() => {
  for (const each of subjects) each.remove();
});

describe.each(ARCHITECTURES)('on %s', (arch) => {
  const here = CASES.filter(({ only }) => only === undefined || only === arch);
  describe.each([true, false])('with debug data: %s', (debug) => {
    it.each(here)('$name $compiler $flags', async (change) => {
      const { flags = [], compiler, calls = [], changed, refusal, advice, remark } = change;
      const base = await subject(arch, sourcesOf(change, 0), { debug, more: flags, compiler });
      subjects.push(base);
      const diff = base.diff(sourcesOf(change, 1));
      const got = await called(
        base,
        diff,
        calls.map((call) => call.replace(/ = .*/, '')),
      );
      const refusals = got.refusals.map(({ message }) => message);
      if (refusal === undefined) {
        expect({ verdict: got.verdict, refusals, calls: got.calls }).toEqual({ verdict: 'built', refusals: [], calls });
      } else {
        expect(refusals).toEqual([expect.stringMatching(refusal)]);
        if (advice !== undefined) expect(got.refusals[0]?.advice).toMatch(advice);
      }
      if (changed !== undefined) expect(byStatus(diff)['changed']).toEqual(changed);
      if (remark !== undefined) {
        expect(got.remarks.map(({ message }) => message)).toContainEqual(expect.stringMatching(remark));
      }
    });
  });
});
