import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { goneLines, keepLines } from '../../src/builder/patches/index.ts';
import type { DiffOptions, StaticChoice } from '../../src/diff/index.ts';
import { called } from './support/called.ts';
import { type Sources, type Subject, type SubjectArch, subject } from './support/subject.ts';

const ARCHITECTURES: readonly SubjectArch[] = ['x86_64', 'arm64'];

/** A folder of `cases/`, or two versions of sources, and what must become of them. */
interface Case {
  readonly title: string;
  readonly sources?: { readonly before: Sources; readonly after: Sources };
  /** Compile the patched sources with the lines where they were, as `xsplice build` does. */
  readonly lines?: true;
  readonly statics?: readonly StaticChoice[];
  /** Only with debug data, or only without. */
  readonly debug?: boolean;
  /** Calls with their answers while the payload is applied; each has been made once before. */
  readonly calls?: readonly string[];
  readonly refusal?: RegExp;
  readonly remark?: RegExp;
}

const HEAD = '#include <xen.h>\n';
const one = (before: string, after: string): { readonly before: Sources; readonly after: Sources } => ({
  before: { 'a.c': HEAD + before },
  after: { 'a.c': HEAD + after },
});

const AMBIGUOUS = /more than one reading of static variables/;
const choice = (text: string): StaticChoice => {
  const [after = '', before = ''] = text.split('=');
  return { file: 'common/a.c', after, before: before === 'new' ? null : before };
};

const ONCE =
  '#define once(fmt) ({ static _Bool __read_mostly once_; int said = !once_; if ( !once_ ) { once_ = 1; printk(fmt); } said; })\nint f(int i);\n';
const guards = (...lines: readonly string[]): string =>
  `${ONCE}noinline int f(int i)\n{\n    int r = 0;\n${lines.map((line) => `    ${line}\n`).join('')}    return r;\n}\n`;
const FIRST = 'if ( i & 1 ) r += 10 * once("first");';
const SECOND = 'if ( i & 2 ) r += once("second");';
const THIRD = 'if ( i & 4 ) r += 100 * once("third");';

const STATICS: readonly Case[] = [
  { title: '01-static-local-before', refusal: AMBIGUOUS },
  { title: '01-static-local-before', lines: true, refusal: AMBIGUOUS },
  { title: '30-printk-once', refusal: AMBIGUOUS },
  {
    title: 'a guard before another, with the lines of a patch',
    sources: one(guards(SECOND), guards(FIRST, SECOND)),
    lines: true,
    debug: true,
    calls: ['f(2) = 0', 'f(1) = 10', 'f(3) = 0'],
  },
  {
    title: 'the first of two guards makes way for another',
    sources: one(guards(FIRST, SECOND), guards(SECOND, THIRD)),
    lines: true,
    debug: true,
    refusal: AMBIGUOUS,
  },
  {
    title: 'two guards change places',
    sources: one(guards(FIRST, SECOND), guards(SECOND, FIRST)),
    refusal: AMBIGUOUS,
  },
  {
    title: 'two guards change places, with the lines of a patch',
    sources: one(guards(FIRST, SECOND), guards(SECOND, FIRST)),
    lines: true,
    refusal: AMBIGUOUS,
  },
  {
    title: 'a guard goes, another stays',
    sources: one(guards(FIRST, SECOND), guards(SECOND)),
    lines: true,
    debug: true,
    calls: ['f(2) = 0', 'f(3) = 0'],
  },
  {
    title: 'a variable of another type before one of the same name',
    sources: one(
      'int f(int i);\nnoinline int f(int i) { { static int n; n += i; i = n * 2; } return i; }\n',
      'int f(int i);\nnoinline int f(int i) { if ( i > 9 ) { static long n; if ( ++n > 3 ) return -1; } { static int n; n += i; i = n * 2; } return i; }\n',
    ),
    calls: ['f(3) = 12'],
  },
  {
    title: 'two of a name in a function whose end has changed',
    sources: one(
      'int f(int i);\nnoinline int f(int i) { { static int n; n += i; i += n; nag_administrator(); nag_administrator(); nag_administrator(); nag_administrator(); } { static int n; n += 2 * i; i ^= n; } nag_administrator(); nag_administrator(); nag_administrator(); nag_administrator(); nag_administrator(); nag_administrator(); nag_administrator(); nag_administrator(); return i * 3; }\n',
      'int f(int i);\nnoinline int f(int i) { { static int n; n += i; i += n; nag_administrator(); nag_administrator(); nag_administrator(); nag_administrator(); } { static int n; n += 2 * i; i ^= n; } nag_administrator(); nag_administrator(); nag_administrator(); nag_administrator(); nag_administrator(); nag_administrator(); nag_administrator(); nag_administrator(); return i * 5; }\n',
    ),
    calls: ['f(1) = 45'],
  },
  {
    title: 'a static that leaves one function while another one gets one of its name',
    sources: one(
      'int f(int i); int g(int i);\nnoinline int f(int i) { static int n; return n += i; }\nnoinline int g(int i) { return i * 3; }\n',
      'int f(int i); int g(int i);\nnoinline int f(int i) { return i + 1; }\nnoinline int g(int i) { static int n; return n += i * 3; }\n',
    ),
    refusal: AMBIGUOUS,
  },
  {
    title: 'what the user says: the first is new',
    sources: one(
      'int f(int i);\nnoinline int f(int i) { { static int n; n += i; i = n * 2; } return i; }\n',
      'int f(int i);\nnoinline int f(int i) { if ( i > 100 ) { static int n; n++; if ( n > 3 ) return -1; } { static int n; n += i; i = n * 2; } return i; }\n',
    ),
    statics: [choice('n.1=new'), choice('n.0=n.0')],
    calls: ['f(3) = 12'],
  },
];

const CASES: readonly Case[] = [
  ...STATICS,
  {
    title: 'what the user says of a variable that there is not',
    sources: one('noinline int f(int i) { return i * 3; }\n', 'noinline int f(int i) { return i * 5; }\n'),
    statics: [choice('n.1=n.0')],
    refusal: /no object of common\/a\.c has a static variable n\.1/,
  },
];

function sourcesOf(folder: string, side: 'before' | 'after'): Sources {
  const path = join('test/diff/cases', folder);
  const names = readdirSync(path).filter((name) => name.startsWith(side));
  return Object.fromEntries(
    names.map((name) => [name.replace(side, 'a').replace('a-', ''), readFileSync(join(path, name), 'utf8')]),
  );
}

/** The patched sources with their lines where they were, and the lines that are gone. */
function kept(before: Sources, after: Sources): { readonly after: Sources } & Pick<DiffOptions, 'goneLines'> {
  const texts = Object.entries(after).map(
    ([file, text]) => [file, keepLines(before[file] ?? '', text, `common/${file}`)] as const,
  );
  const gone = texts.map(([file, text]) => [`xen/common/${file}`, goneLines(before[file] ?? '', text)] as const);
  return { after: Object.fromEntries(texts), goneLines: new Map(gone) };
}

const subjects: Subject[] = [];
afterAll(() => {
  for (const each of subjects) each.remove();
});

describe.each(ARCHITECTURES)('on %s', (arch) => {
  describe.each([true, false])('with debug data: %s', (debug) => {
    const here = CASES.filter((each) => each.debug === undefined || each.debug === debug);
    it.each(here)('$title', async ({ title, sources, lines, statics, calls, refusal, remark }) => {
      const before = sources?.before ?? sourcesOf(title, 'before');
      const patched = sources?.after ?? sourcesOf(title, 'after');
      const base = await subject(arch, before, { debug });
      subjects.push(base);
      const { after, goneLines: gone } =
        lines === true ? kept(before, patched) : { after: patched, goneLines: undefined };
      const diff = base.diff(after, { ...(gone && { goneLines: gone }), ...(statics && { statics }) });
      const told = diff.remarks.map(({ message }) => message);
      if (remark !== undefined) expect(told).toContainEqual(expect.stringMatching(remark));
      if (refusal !== undefined) {
        expect(diff.refusals.map(({ message }) => message)).toContainEqual(expect.stringMatching(refusal));
        expect(diff.verdict).toBe('refused');
      } else {
        const plans = (calls ?? []).map((call) => call.replace(/ = .*/, ''));
        const got = await called(base, diff, plans);
        expect({ refusals: got.refusals, calls: got.calls }).toEqual({ refusals: [], calls });
      }
    });
  });
});
