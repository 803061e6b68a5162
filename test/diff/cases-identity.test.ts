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

const two = (
  before: readonly [string, string],
  after: readonly [string, string],
): { readonly before: Sources; readonly after: Sources } => ({
  before: { 'a.c': HEAD + before[0], 'b.c': HEAD + before[1] },
  after: { 'a.c': HEAD + after[0], 'b.c': HEAD + after[1] },
});

const LEFT = 'int left(int n);\nnoinline int left(int n) { return n + 3; }\n';
const RIGHT = 'int right(int n);\nnoinline int right(int n) { return n + 4; }\n';

const MOVED: readonly Case[] = [
  { title: '07-moved-to-other-file', calls: ['price(2) = 22'] },
  { title: '07b-moved-changed-and-another', calls: ['price(2) = 22', 'right(2) = 89'] },
  {
    title: 'a function moves with its static variables',
    sources: two(
      [
        `${LEFT}static int sum; int add(int i);\nnoinline int add(int i) { static int n; return sum += i + ++n; }\n`,
        RIGHT,
      ],
      [
        LEFT,
        `${RIGHT}static int sum; int add(int i);\nnoinline int add(int i) { static int n; return sum += 2 * i + ++n; }\n`,
      ],
    ),
    calls: ['add(1) = 6'],
  },
  {
    title: 'a static function moves and becomes global',
    sources: two(
      [
        `static noinline int half(int i) { return i / 2; }\nint use(int i); noinline int use(int i) { return half(i) + 1; }\n`,
        RIGHT,
      ],
      [
        'int half(int i);\nint use(int i); noinline int use(int i) { return half(i) + 1; }\n',
        `${RIGHT}int half(int i);\nnoinline int half(int i) { return i / 2 + 100; }\n`,
      ],
    ),
    calls: ['use(4) = 103', 'common/a.c#half(4) = 102'],
  },
  {
    title: 'an inlined helper with statics of one name moves and becomes a function',
    sources: two(
      [
        'int f(int i);\nstatic int help(int a) { int r = a; { static int seen = 18; seen += 1; r += seen; } { static long seen; seen += 100; r += seen; } return r; }\nnoinline int f(int i) { return help(i) + 1; }\n',
        RIGHT,
      ],
      [
        'int f(int i); int help(int a);\nnoinline int f(int i) { return help(i) + 2; }\n',
        `${RIGHT}int help(int a);\nint help(int a) { int r = a; { static int seen = 18; seen += 1; r += seen; } { static long seen; seen += 100; r += seen; } return r; }\n`,
      ],
    ),
    refusal: /may be new, or may be seen\.\d of common\/a\.o/,
  },
  {
    title: 'an inlined helper moves and is inlined again',
    sources: two(
      [
        'int f(int i);\nstatic inline int help(int a) { static int seen; return seen += a; }\nnoinline int f(int i) { return help(i) + 1; }\n',
        RIGHT,
      ],
      [
        'int f(int i);\nnoinline int f(int i) { return i + 1; }\n',
        'int right(int n);\nstatic inline int help(int a) { static int seen; return seen += a; }\nnoinline int right(int n) { return help(n) + 4; }\n',
      ],
    ),
    refusal: /may be new, or may be seen\.\d of common\/a\.o/,
  },
  {
    title: 'statics of one name that functions of two files declare',
    sources: two(
      [
        'int f(int i);\nnoinline int f(int i) { static int seen; return seen += i; }\n',
        'int right(int n);\nnoinline int right(int n) { nag_administrator(); return n * 41 + 4; }\n',
      ],
      [
        'int f(int i);\nnoinline int f(int i) { return i + 1; }\n',
        'int right(int n);\nnoinline int right(int n) { static int seen; return seen += n; }\n',
      ],
    ),
    debug: true,
    calls: ['f(3) = 4', 'right(3) = 3'],
  },
  {
    title: 'a global variable moves',
    sources: two(
      [`${LEFT}int level;\n`, 'extern int level; int up(int i);\nnoinline int up(int i) { return level += i; }\n'],
      [LEFT, 'int level; int up(int i);\nnoinline int up(int i) { return level += 2 * i; }\n'],
    ),
    calls: ['up(3) = 9'],
  },
  {
    title: 'a global variable moves and gets another value',
    sources: two(
      [`${LEFT}int level = 4;\n`, 'extern int level; int up(int i);\nnoinline int up(int i) { return level += i; }\n'],
      [LEFT, 'int level = 5; int up(int i);\nnoinline int up(int i) { return level += i; }\n'],
    ),
    refusal: /the initial value of level changed: /,
  },
  {
    title: 'a global constant moves and changes',
    sources: two(
      [
        `${LEFT}extern const int rate; const int rate = 4;\n`,
        'extern const int rate; int up(int i);\nnoinline int up(int i) { return rate * i; }\n',
      ],
      [
        LEFT,
        'extern const int rate; const int rate = 5; int up(int i);\nnoinline int up(int i) { return rate * i; }\n',
      ],
    ),
    refusal: /the content of rate changed/,
  },
  {
    title: 'static functions of one name in two files become one',
    sources: {
      before: {
        'a.c': `${HEAD}static noinline int clip(int i) { return i > 5 ? 5 : i; }\nint a(int i); int a(int i) { return clip(i) + 1; }\n`,
        'b.c': `${HEAD}static noinline int clip(int i) { return i > 6 ? 6 : i; }\nint b(int i); int b(int i) { return clip(i) + 2; }\n`,
        'c.c': `${HEAD}${RIGHT}`,
      },
      after: {
        'a.c': `${HEAD}int clip(int i);\nint a(int i); int a(int i) { return clip(i) + 1; }\n`,
        'b.c': `${HEAD}int clip(int i);\nint b(int i); int b(int i) { return clip(i) + 2; }\n`,
        'c.c': `${HEAD}${RIGHT}int clip(int i);\nnoinline int clip(int i) { return i > 7 ? 7 : i; }\n`,
      },
    },
    refusal: /clip of common\/c\.o may be new, or may be clip of common\/a\.o or clip of common\/b\.o/,
  },
  {
    title: 'a new function that the hypervisor has in another file',
    sources: one(
      LEFT,
      `${LEFT}int printk_ratelimited_count;\nvoid nag_administrator(void);\nvoid nag_administrator(void) { printk("x"); }\n`,
    ),
    refusal: /nag_administrator is new in common\/a\.o, but the hypervisor has nag_administrator already/,
  },
];

const OP = 'int op(int i); int op_compat(int i);\n';
const TWO_OPS = (a: number, b: number): string =>
  `${OP}noinline int op(int i) { return i * ${a} + 1; }\nnoinline int op_compat(int i) { return i * ${b} + 2; }\n`;
const ONE_OP = (a: number): string =>
  `${OP}noinline int op(int i) { return i * ${a} + 1; }\nint op_compat(int i) __attribute__((alias("op")));\n`;

const NAMES: readonly Case[] = [
  { title: '08-alias-split', refusal: /op and op_compat are one function on the host/ },
  {
    title: 'an alias stays one',
    sources: one(ONE_OP(7), ONE_OP(9)),
    calls: ['op(2) = 19', 'op_compat(2) = 19'],
  },
  {
    title: 'a function becomes an alias of another that stays',
    sources: one(TWO_OPS(7, 9), ONE_OP(7)),
    calls: ['op(2) = 15', 'op_compat(2) = 15'],
  },
  {
    title: 'a function becomes an alias of another that changes',
    sources: one(TWO_OPS(7, 9), ONE_OP(11)),
    calls: ['op(2) = 23', 'op_compat(2) = 23'],
  },
  {
    title: 'one of two names gets the code of its own',
    sources: one(ONE_OP(7), TWO_OPS(7, 9)),
    refusal: /op and op_compat are one function on the host/,
  },
  { title: '13-weak-overridden', calls: ['lim(2) = 85', 'arch_limit(2) = 12'], remark: /arch_limit is weak/ },
  {
    title: 'a weak function that nothing overrides',
    sources: one(
      'int arch(int i); int lim(int i);\nint __attribute__((weak, noipa)) arch(int i) { return i * 3 + 1; }\nnoinline int lim(int i) { return arch(i) + 1; }\n',
      'int arch(int i); int lim(int i);\nint __attribute__((weak, noipa)) arch(int i) { return i * 3 + 2; }\nnoinline int lim(int i) { return arch(i) + 5; }\n',
    ),
    calls: ['lim(2) = 13', 'arch(2) = 8'],
  },
  {
    title: 'a strong definition that is removed',
    sources: two(
      [
        'int arch(int i); int lim(int i);\nint __attribute__((weak, noipa)) arch(int i) { return i * 3 + 1; }\nnoinline int lim(int i) { return arch(i) + 1; }\n',
        `${RIGHT}int arch(int i); noinline int arch(int i) { return i * 5 + 1; }\n`,
      ],
      [
        'int arch(int i); int lim(int i);\nint __attribute__((weak, noipa)) arch(int i) { return i * 3 + 1; }\nnoinline int lim(int i) { return arch(i) + 2; }\n',
        RIGHT,
      ],
    ),
    refusal: /the patch removes the definition of arch that the hypervisor uses/,
  },
];

const LOOK = 'int look(int i);\nnoinline int look(int i) { nag_administrator(); return i + 1; }\n';

const BOOT: readonly Case[] = [
  {
    title: '91-init-sets-new-variable',
    refusal: /levels is new, and only set_levels sets it, which does not run/,
    remark: /set_levels is new boot code \(__init\): skipped, as a host that is up does not run it/,
  },
  { title: '10-new-initcall', refusal: /cap is new, and only set_cap sets it/, remark: /set_cap is new boot code/ },
  {
    title: 'a new variable that boot code sets through a function of its own',
    sources: one(
      LOOK,
      'int look(int i);\nstatic int *levels; static int store[4];\nstatic noinline void set_them(int *to) { levels = to; }\nvoid __init set_levels(void); void __init set_levels(void) { set_them(store); }\nnoinline int look(int i) { nag_administrator(); return levels ? levels[i & 3] : i + 2; }\n',
    ),
    refusal: /levels is new, and only set_them(?:\.constprop\.0)? sets it/,
  },
  {
    title: 'a new variable that live code sets too',
    sources: one(
      LOOK,
      'int look(int i);\nstatic int last;\nvoid __init set_last(void); void __init set_last(void) { last = 4; }\nnoinline int look(int i) { int was = last; nag_administrator(); last = i; return was + i; }\n',
    ),
    calls: ['look(2) = 2'],
    remark: /set_last is new boot code/,
  },
  {
    title: 'changed boot code',
    sources: one(
      `${LOOK}static int n; int __init boot_it(int i); int __init boot_it(int i) { return n += i; }\n`,
      `${LOOK.replace('+ 1', '+ 2')}static int n; int __init boot_it(int i); int __init boot_it(int i) { return n -= i; }\n`,
    ),
    calls: ['look(2) = 4'],
    remark: /boot_it is changed boot code \(__init\): skipped, as the host has already run what it was before/,
  },
  {
    title: 'a function that only boot data names',
    sources: one(
      'static noinline void init_cpu(int c) { printk("cpu %d", c); }\nstatic void (*const __attribute__((used, section(".init.rodata"))) c_init)(int) = init_cpu;\n',
      'static noinline void init_cpu(int c) { printk("cpu %d", c + 1); }\nstatic void (*const __attribute__((used, section(".init.rodata"))) c_init)(int) = init_cpu;\n',
    ),
    calls: [],
    remark: /only boot code and boot data refer to init_cpu \(c_init\)/,
  },
  {
    title: '56-linker-table-entry',
    calls: ['lim(9) = 6'],
    remark: /sched_b_entry is a new entry of section \.data\.schedulers/,
  },
];

const CASES: readonly Case[] = [
  ...STATICS,
  ...MOVED,
  ...NAMES,
  ...BOOT,
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

describe.each(ARCHITECTURES)('a file with another name, on %s', (arch) => {
  const text = `${HEAD}static int sum; int add(int i); int twice(int i);\nnoinline int add(int i) { static int n; return sum += i + ++n; }\nnoinline int twice(int i) { return i * 2; }\n`;

  it('keeps its state, and what changed in it replaces the old function', async () => {
    const base = await subject(arch, { 'a.c': text });
    subjects.push(base);
    const patched = base.compile('n.c', text.replace('sum += i', 'sum += 2 * i'));
    const diff = base.pairs([
      { object: 'common/a.o', orig: base.object('a.c'), patched: null },
      { object: 'common/n.o', orig: null, patched },
    ]);
    expect(diff.functions.map(({ name, status }) => `${status} ${name}`).sort()).toEqual([
      'changed add',
      'unchanged twice',
    ]);
    const got = await called(base, diff, ['add(1)', 'twice(4)']);
    expect({ refusals: got.refusals, calls: got.calls }).toEqual({
      refusals: [],
      calls: ['add(1) = 6', 'twice(4) = 8'],
    });
  });
});
