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
  { name: '03-end-of-read-mostly', only: 'x86_64', calls: ['total() = 17'] },
  {
    name: '03-end-of-read-mostly',
    only: 'arm64',
    refusal: /^total takes the address of extra or of limits\+0x10: the object has one place/,
    advice: /section of its own/,
  },
  {
    name: 'the end of an array that is handed out',
    sources: versions(
      '{{|static int __read_mostly extra = 7;}} static int __read_mostly limits[4] = { 1, 2, 3, 4 };\nint *end(void); void set(int i, int v); int f(int i);\nnoinline int *end(void) { return limits + {{4 + 1|4}}; }\nnoinline void set(int i, int v) { limits[i & 3] = v; }\nnoinline int f(int i) { {{|extra += i;}} return i * i + 1; }\n',
    ),
    refusal: /^end takes the address of (?:extra or of limits\+0x10|limits or of extra\+0x4)/,
  },
  {
    name: 'an element before the start of an array',
    only: 'arm64',
    sources: versions(
      'static int __read_mostly limits[4] = { 1, 2, 3, 4 }; {{|static int __read_mostly extra[2] = { 7, 8 };}}\nint *f(void); int g(int i); void set(int i, int v);\nnoinline int *f(void) { return limits - {{2|1}}; }\nnoinline int g(int i) { {{|extra[1] += 1;}} return i * i + 1; }\nnoinline void set(int i, int v) { limits[i & 3] = v; }\n',
    ),
    refusal: /^f takes the address of extra\+0x4 or of limits-0x4/,
  },
  {
    name: 'an access to a neighbour',
    sources: versions(
      'static int __read_mostly limits[4] = { 1, 2, 3, 4 }; {{|static int __read_mostly extra = 7;}}\nint f(int i); void set(int i, int v);\nnoinline int f(int i) { {{|extra += 1; i += extra;}} return limits[3] + i; }\nnoinline void set(int i, int v) { limits[i & 3] = v; }\n',
    ),
    calls: ['f(1) = 13'],
  },
  { name: '05-computed-goto', calls: ['go(0) = 58'] },
  {
    name: 'labels in a table that is written to',
    sources: versions(
      'int run(const u8 *p); void swap(void); static const void **table;\nnoinline int run(const u8 *p) { static const void *ops[] = { &&stop, &&inc, &&dbl }; int a = 1; table = ops; goto *ops[*p++]; inc: a += {{1|9}}; goto *ops[*p++]; dbl: a *= 2; goto *ops[*p++]; stop: return a; }\nnoinline void swap(void) { table[1] = table[2]; }\n',
    ),
    refusal: /^ops\.\d+ holds addresses inside run, which the payload replaces/,
    advice: /const/,
  },
  {
    name: 'labels behind a table of tables',
    sources: versions(
      'int run(const u8 *p); int go(int k);\nnoinline int run(const u8 *p) { static const void *const one[] = { &&stop, &&inc }; static const void *const two[] = { &&stop, &&dbl }; static const void *const *const all[] = { one, two }; int a = 1; goto *all[*p & 1][1]; inc: a += {{1|9}}; p++; if ( a > 40 ) goto stop; goto *all[*p & 1][*p >> 1]; dbl: a *= 2; p++; goto *all[*p & 1][*p >> 1]; stop: return a; }\nnoinline int go(int k) { static const u8 prog[] = { 0, 3, 2, 0 }; return run(prog) + k; }\n',
    ),
    calls: ['go(0) = 29'],
  },
  {
    name: 'a table of jumps',
    flags: ['-fjump-tables'],
    sources: versions(
      'int f(int i, int j);\nnoinline int f(int i, int j) { switch ( i ) { case 0: return j * 3; case 1: nag_administrator(); return j - 1; case 2: return j + {{2|7}}; case 3: return j * j; case 4: nag_administrator(); return ~j; case 5: return j / 3; } return 0; }\n',
    ),
    calls: ['f(2, 1) = 8', 'f(3, 5) = 25'],
  },
  {
    name: '18-clang-relative-string-table',
    compiler: 'clang',
    flags: ['-fjump-tables', '-fPIC'],
    calls: ['word(2) = "zwei"', 'word(1) = "one"', 'word(3) = "three"'],
  },
  {
    name: 'a text of one length in a relative table',
    compiler: 'clang',
    flags: ['-fjump-tables', '-fPIC'],
    sources: versions(
      'const char *word(int i);\nnoinline const char *word(int i) { switch ( i ) { case 0: return ""; case 1: return "{{ab|cd}}"; case 2: return "{{|}}"; case 3: return "ef"; default: return "many"; } }\n',
    ),
    calls: ['word(1) = "cd"', 'word(3) = "ef"'],
  },
  {
    name: '62-no-data-sections',
    flags: ['-fno-data-sections'],
    only: 'x86_64',
    calls: ['sum(2) = 1011'],
  },
  {
    name: '62-no-data-sections',
    flags: ['-fno-data-sections', '-fsection-anchors'],
    only: 'arm64',
    refusal: /^sum takes the address of first or of fresh-0x8: the object has one place for both/,
    advice: /-fdata-sections/,
  },
  { name: '11-lto-slim', flags: ['-flto', '-ffat-lto-objects'], calls: ['lim(7) = 9'] },
  {
    name: '12-common-symbol',
    flags: ['-fcommon'],
    refusal: /^the patched common\/a\.o has COMMON symbols \(\w+\)/,
    advice: /-fno-common/,
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
        expect(refusals).toContainEqual(expect.stringMatching(refusal));
        if (advice !== undefined) expect(got.refusals[0]?.advice).toMatch(advice);
      }
      if (changed !== undefined) expect(byStatus(diff)['changed']).toEqual(changed);
      if (remark !== undefined) {
        expect(got.remarks.map(({ message }) => message)).toContainEqual(expect.stringMatching(remark));
      }
    });
  });

  it('refuses objects without code, with the flag that mends it', async () => {
    const change: Case = { name: '11-lto-slim' };
    const base = await subject(arch, sourcesOf(change, 0));
    subjects.push(base);
    const slim = base.compile('a.c', sourcesOf(change, 1)['a.c'] ?? '', ['-flto', '-fno-fat-lto-objects']);
    const bitcode = Uint8Array.of(0x42, 0x43, 0xc0, 0xde, 0, 0, 0, 0);
    for (const patched of [slim, bitcode]) {
      const { verdict, refusals } = base.pairs([{ object: 'a.o', orig: base.object('a.c'), patched }]);
      expect(verdict).toBe('refused');
      expect(refusals[0]?.message).toMatch(/^the patched a\.o has no code/);
      expect(refusals[0]?.advice).toMatch(/-fno-lto/);
    }
  });
});
