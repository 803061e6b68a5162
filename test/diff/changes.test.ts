import { afterAll, describe, expect, it } from 'vitest';
import { byStatus, type Sources, type Subject, type SubjectArch, subject } from './support/subject.ts';

const ARCHITECTURES: readonly SubjectArch[] = ['x86_64', 'arm64'];

const HEAD = '#include <xen.h>\n';

/** Two versions of a source, and what is to be said of them. */
interface Change {
  readonly title: string;
  readonly before: Sources;
  readonly after: Sources;
  readonly verdict: 'built' | 'unchanged' | 'refused';
  readonly changed?: readonly string[];
  readonly added?: readonly string[];
  readonly removed?: readonly string[];
  readonly moved?: readonly string[];
  /** Of the first function that changed. */
  readonly reason?: RegExp;
  readonly refusal?: RegExp;
  readonly advice?: RegExp;
  readonly remark?: RegExp;
  /** All of them. */
  readonly remarks?: readonly RegExp[];
}

const COUNTER = `${HEAD}
static int rate = 5;
int limit_of(int x);
noinline int limit_of(int x) { return x > rate ? rate : x * 3 + rate; }
noinline void set_rate(int x) { printk("rate %d", x); rate = x; }
`;

/** As Xen's init_amd does: code that stays, which uses what is gone while the host boots only. */
const BOOT_TEXTS = `static int booting;
int two(int i);
noinline int two(int i) { static int text; return text += i; }
void warn(void);
noinline void warn(void) { static const char __attribute__((section(".init.rodata"))) text[] = "beware"; if ( booting ) printk("%s", text); }
__init void begin(void);
__init void begin(void) { static const char __attribute__((section(".init.rodata"))) text[] = "start"; printk("%s", text); booting = 1; }
`;

const CHANGES: readonly Change[] = [
  {
    title: 'nothing',
    before: { 'a.c': COUNTER },
    after: { 'a.c': COUNTER },
    verdict: 'unchanged',
  },
  {
    title: 'a comment above everything',
    before: { 'a.c': COUNTER },
    after: { 'a.c': `/* a line more */\n${COUNTER}` },
    verdict: 'unchanged',
  },
  {
    title: 'one function',
    before: { 'a.c': COUNTER },
    after: { 'a.c': COUNTER.replace('x * 3', 'x * 5') },
    verdict: 'built',
    changed: ['limit_of'],
    reason: /its code differs/,
  },
  {
    title: 'a function with another text',
    before: { 'a.c': COUNTER },
    after: { 'a.c': COUNTER.replace('"rate %d"', '"Rate %d"') },
    verdict: 'built',
    changed: ['set_rate'],
    reason: /refers to "Rate %d" instead of "rate %d"/,
  },
  {
    title: 'a function that calls another one',
    before: {
      'a.c': `${HEAD}noinline void f(void) { printk("x"); }\nnoinline void g(void) { f(); nag_administrator(); f(); }\n`,
    },
    after: {
      'a.c': `${HEAD}noinline void f(void) { printk("x"); }\nnoinline void g(void) { f(); startup_cpu_idle_loop(); f(); }\n`,
    },
    verdict: 'built',
    changed: ['g'],
    reason: /it calls startup_cpu_idle_loop instead of nag_administrator/,
  },
  {
    title: 'a new static function, and one that is gone',
    before: {
      'a.c': `${HEAD}static noinline int old(int x) { return x + 1; }\nnoinline int f(int x) { return old(x) * 2; }\n`,
    },
    after: {
      'a.c': `${HEAD}static noinline int fresh(int x) { return x + 2; }\nnoinline int f(int x) { return fresh(x) * 2; }\n`,
    },
    verdict: 'built',
    changed: ['f'],
    added: ['fresh'],
    removed: ['old'],
  },
  {
    title: 'a new global function with its caller in another file',
    before: {
      'a.c': `${HEAD}noinline int one(void) { return 1; }\n`,
      'b.c': `${HEAD}int one(void);\nnoinline int two(int x) { return one() + x; }\n`,
    },
    after: {
      'a.c': `${HEAD}noinline int one(void) { return 1; }\nint uno(void);\nnoinline int uno(void) { return 11; }\n`,
      'b.c': `${HEAD}int one(void);\nint uno(void);\nnoinline int two(int x) { return one() + uno() + x; }\n`,
    },
    verdict: 'built',
    changed: ['two'],
    added: ['uno'],
  },
  {
    title: 'a static function that another file calls now',
    before: {
      'a.c': `${HEAD}static __attribute__((noipa)) int one(int x) { return x * x; }\nnoinline int f(int x) { return one(x) + 1; }\n`,
      'b.c': `${HEAD}noinline int two(int x) { return x * 7; }\n`,
    },
    after: {
      'a.c': `${HEAD}int one(int x);\n__attribute__((noipa)) int one(int x) { return x * x; }\nnoinline int f(int x) { return one(x) + 1; }\n`,
      'b.c': `${HEAD}int one(int x);\nnoinline int two(int x) { return one(x) * 7; }\n`,
    },
    verdict: 'built',
    changed: ['two'],
    added: [],
  },
  {
    title: 'a new file',
    before: { 'a.c': `${HEAD}noinline int one(void) { return 1; }\n` },
    after: {
      'a.c': `${HEAD}int three(void);\nnoinline int one(void) { return three() - 2; }\n`,
      'n.c': `${HEAD}int three(void);\nint three(void) { return 3; }\n`,
    },
    verdict: 'built',
    changed: ['one'],
    added: ['three'],
  },
  {
    title: 'a call of what nobody has',
    before: { 'a.c': `${HEAD}noinline int one(void) { return 1; }\n` },
    after: { 'a.c': `${HEAD}int nowhere(void);\nnoinline int one(void) { return nowhere(); }\n` },
    verdict: 'refused',
    changed: ['one'],
    refusal: /one refers to nowhere, which neither the hypervisor nor the payload defines/,
  },
  {
    title: 'a static local that is new',
    before: {
      'a.c': `${HEAD}noinline int f(void) { static int n; return ++n; }\n noinline int g(void) { static int n; return n += 2; }\n`,
    },
    after: {
      'a.c': `${HEAD}noinline int f(void) { static int m; static int n; if ( m++ ) return m; return ++n; }\n noinline int g(void) { static int n; return n += 2; }\n`,
    },
    verdict: 'built',
    changed: ['f'],
    remark: /^m\.\d+ is new/,
  },
  {
    title: 'a static local that is gone',
    before: {
      'a.c': `${HEAD}noinline int f(void) { static int m; static int n; if ( m++ ) return m; return ++n; }\n noinline int g(void) { static int n; return n += 2; }\n`,
    },
    after: {
      'a.c': `${HEAD}noinline int f(void) { static int n; return ++n; }\n noinline int g(void) { static int n; return n += 2; }\n`,
    },
    verdict: 'built',
    changed: ['f'],
    remark: /^m\.\d+ was removed from the source/,
  },
  {
    title: 'the initial value of a variable',
    before: { 'a.c': COUNTER },
    after: { 'a.c': COUNTER.replace('rate = 5', 'rate = 6') },
    verdict: 'refused',
    refusal: /the initial value of rate changed: 6 instead of 5$/,
    advice: /apply hook/,
  },
  {
    title: 'a variable without a value that gets one',
    before: { 'a.c': `${HEAD}static int n;\nnoinline int f(void) { return ++n; }\n` },
    after: { 'a.c': `${HEAD}static int n = 3;\nnoinline int f(void) { return ++n; }\n` },
    verdict: 'refused',
    refusal: /the initial value of n changed: 3 instead of 0$/,
  },
  {
    title: 'a pointer in a variable',
    before: {
      'a.c': `${HEAD}static const char *t[4] = { "a", "b" };\nnoinline void f(int i) { printk(t[i]); t[i] = 0; }\n`,
    },
    after: {
      'a.c': `${HEAD}static const char *t[4] = { "a", "c" };\nnoinline void f(int i) { printk(t[i]); t[i] = 0; }\n`,
    },
    verdict: 'refused',
    refusal: /the initial value of t changed at \+0x8: it points to "c" instead of "b"$/,
  },
  {
    title: 'a pointer more in a variable',
    before: {
      'a.c': `${HEAD}static const char *t[4] = { "a" };\nnoinline void f(int i) { printk(t[i]); t[i] = 0; }\n`,
    },
    after: {
      'a.c': `${HEAD}static const char *t[4] = { "a", 0, "c" };\nnoinline void f(int i) { printk(t[i]); t[i] = 0; }\n`,
    },
    verdict: 'refused',
    refusal: /the initial value of t changed at \+0x10: it points to "c" instead of nowhere$/,
  },
  {
    title: 'one number of many in a variable',
    before: { 'a.c': `${HEAD}static int t[4] = { 1, 2, 3, 4 };\nnoinline int f(int i) { return ++t[i]; }\n` },
    after: { 'a.c': `${HEAD}static int t[4] = { 1, 2, 9, 4 };\nnoinline int f(int i) { return ++t[i]; }\n` },
    verdict: 'refused',
    refusal: /the initial value of t changed at \+0x8$/,
  },
  {
    title: 'the size of a variable',
    before: { 'a.c': `${HEAD}static int n[4];\nnoinline int f(int i) { return ++n[i & 3]; }\n` },
    after: { 'a.c': `${HEAD}static int n[8];\nnoinline int f(int i) { return ++n[i & 7]; }\n` },
    verdict: 'refused',
    changed: ['f'],
    refusal: /n has 32 bytes instead of 16/,
  },
  {
    title: 'a new per-CPU variable',
    before: { 'a.c': `${HEAD}noinline int f(int i) { return i * i + 1; }\n` },
    after: {
      'a.c': `${HEAD}__attribute__((section(".bss.percpu"))) static int per_cpu__seen;\nnoinline int f(int i) { return i + ++per_cpu__seen; }\n`,
    },
    verdict: 'refused',
    changed: ['f'],
    refusal: /per_cpu__seen is a new per-CPU variable/,
    advice: /array with one element per CPU/,
  },
  {
    title: 'a table of constants that only functions here read',
    before: {
      'a.c': `${HEAD}static const int t[] = { 1, 5, 9, 12 };\nnoinline int f(int i) { return t[i & 3]; }\nnoinline int g(int i) { return i + 2; }\n`,
    },
    after: {
      'a.c': `${HEAD}static const int t[] = { 1, 5, 8, 12 };\nnoinline int f(int i) { return t[i & 3]; }\nnoinline int g(int i) { return i + 2; }\n`,
    },
    verdict: 'built',
    changed: ['f'],
    reason: /it reads t, whose content changed/,
  },
  {
    title: 'a table of constants that other files can read',
    before: {
      'a.c': `${HEAD}extern const int t[];\nconst int t[] = { 1, 5, 9, 12 };\nnoinline int f(int i) { return t[i & 3]; }\n`,
    },
    after: {
      'a.c': `${HEAD}extern const int t[];\nconst int t[] = { 1, 5, 8, 12 };\nnoinline int f(int i) { return t[i & 3]; }\n`,
    },
    verdict: 'refused',
    changed: ['f'],
    refusal: /the content of t changed, and other files can read it/,
  },
  {
    title: 'a bug frame more',
    before: { 'a.c': `${HEAD}noinline int f(int i) { WARN_ON(i > 9); return i + 1; }\n` },
    after: { 'a.c': `${HEAD}noinline int f(int i) { WARN_ON(i > 9); WARN_ON(i < -9); return i + 1; }\n` },
    verdict: 'built',
    changed: ['f'],
  },
  {
    title: 'a warning in another line',
    before: { 'a.c': `${HEAD}noinline int f(int i) { WARN_ON(i > 9); return i + 1; }\n` },
    after: { 'a.c': `${HEAD}\n\n\nnoinline int f(int i) { WARN_ON(i > 9); return i + 1; }\n` },
    verdict: 'unchanged',
    moved: ['f'],
  },
  {
    title: 'a line that is printed, and has moved',
    before: { 'a.c': `${HEAD}noinline int f(int i) { printk("%s:%d bad", "a.c", __LINE__); return i + 1; }\n` },
    after: { 'a.c': `${HEAD}\n\n\nnoinline int f(int i) { printk("%s:%d bad", "a.c", __LINE__); return i + 1; }\n` },
    verdict: 'unchanged',
    moved: ['f'],
  },
  {
    title: 'a number that is printed, and is no line',
    before: { 'a.c': `${HEAD}noinline int f(int i) { printk("%s:%d bad", "a.c", 70); return i + 1; }\n` },
    after: { 'a.c': `${HEAD}noinline int f(int i) { printk("%s:%d bad", "a.c", 73); return i + 1; }\n` },
    verdict: 'built',
    changed: ['f'],
  },
  {
    title: 'code of the boot besides a function',
    before: {
      'a.c': `${HEAD}static int __initdata n = 2;\nint boot(void);\n__init int boot(void) { return n; }\nnoinline int f(int i) { return i * i + 1; }\n`,
    },
    after: {
      'a.c': `${HEAD}static int __initdata n = 2;\nint boot(void);\n__init int boot(void) { return n + 7; }\nnoinline int f(int i) { return i + 2; }\n`,
    },
    verdict: 'built',
    changed: ['f'],
    remark: /^boot is changed boot code/,
  },
  {
    title: 'data of the boot that only gets other numbers',
    before: {
      'a.c': `${HEAD}${BOOT_TEXTS}noinline int f(int i) { return i * i + 1; }\n`,
    },
    after: {
      'a.c': `${HEAD}int boot(void);\n__init int boot(void) { static int __initdata n = 2; return n++; }\n${BOOT_TEXTS}noinline int f(int i) { return i + 2; }\n`,
    },
    verdict: 'built',
    changed: ['f'],
    remarks: [/^boot is new boot code/, /^n\.\d+ is new boot data/],
  },
  {
    title: 'a function that uses data of the boot as it did, under another number',
    before: {
      'a.c': `${HEAD}${BOOT_TEXTS}`,
    },
    after: {
      'a.c': `${HEAD}int boot(void);\n__init int boot(void) { static int __initdata text = 2; return text++; }\n${BOOT_TEXTS.replace('"%s"', '"%s!"')}`,
    },
    verdict: 'built',
    changed: ['warn'],
    remarks: [/^boot is new boot code/, /^text\.\d+ is changed boot data/],
  },
  {
    title: 'statics of one name, of which code of the boot has one',
    before: {
      'a.c': `${HEAD}int boot(int i);\n__init int boot(int i) { static int once; return once += i; }\nnoinline int f(int i) { return i * i + 1; }\n`,
    },
    after: {
      'a.c': `${HEAD}noinline int f(int i) { static int once; return once += i; }\nint boot(int i);\n__init int boot(int i) { static int once; return once += i; }\n`,
    },
    verdict: 'built',
    changed: ['f'],
    remarks: [/^once\.\d+ is new: it starts with its initial value/],
  },
  {
    title: 'a function that uses what is gone after the boot',
    before: {
      'a.c': `${HEAD}static int __initdata n = 2;\nint boot(void);\n__init int boot(void) { return n; }\nnoinline int f(int i) { return i * i + 1; }\n`,
    },
    after: {
      'a.c': `${HEAD}static int __initdata n = 2;\nint boot(void);\n__init int boot(void) { return n; }\nnoinline int f(int i) { return i + n; }\n`,
    },
    verdict: 'refused',
    changed: ['f'],
    refusal: /f refers to n, which is freed after boot/,
  },
  {
    title: 'a structure that grows',
    before: { 'a.c': `${HEAD}struct box { int a; int b; };\nnoinline int f(struct box *p) { return p->a + p->b; }\n` },
    after: {
      'a.c': `${HEAD}struct box { int a; int b; int c; };\nnoinline int f(struct box *p) { return p->a + p->b + p->c; }\n`,
    },
    verdict: 'refused',
    changed: ['f'],
    refusal: /struct box .* new member c at 0x8; size 8 → 12 bytes/,
    advice: /shadow variable/,
  },
  {
    title: 'a structure that grows into its padding',
    before: { 'a.c': `${HEAD}struct box { void *p; char a; };\nnoinline int f(struct box *p) { return p->a; }\n` },
    after: {
      'a.c': `${HEAD}struct box { void *p; char a; char b; };\nnoinline int f(struct box *p) { return p->a + p->b; }\n`,
    },
    verdict: 'refused',
    changed: ['f'],
    refusal: /struct box .* new member b at 0x9/,
  },
  {
    title: 'members that change places',
    before: { 'a.c': `${HEAD}struct box { int a; int b; };\nnoinline int f(struct box *p) { return p->a - p->b; }\n` },
    after: { 'a.c': `${HEAD}struct box { int b; int a; };\nnoinline int f(struct box *p) { return p->a - p->b; }\n` },
    verdict: 'refused',
    changed: ['f'],
    refusal: /struct box .* a moved from 0x0 to 0x4/,
  },
  {
    title: 'clones whose numbers change',
    before: {
      'a.c': `${HEAD}static noinline int help(int x, int y) { printk("%d %d", x, y); return x + y; }
noinline int f(int i) { return help(i, 1) + help(i + 2, 1); }\nnoinline int g(int i) { return i * i + 2; }\n`,
    },
    after: {
      'a.c': `${HEAD}static noinline int also(int x, int y) { printk("%d and %d", x, y); return x - y; }
static noinline int help(int x, int y) { printk("%d %d", x, y); return x + y; }
noinline int f(int i) { return help(i, 1) + help(i + 2, 1); }\nnoinline int g(int i) { return also(i, 7) + also(i + 3, 7) + 2; }\n`,
    },
    verdict: 'built',
    changed: ['g'],
  },
  {
    title: 'a pointer to a function that changes',
    before: {
      'a.c': `${HEAD}void take(void (*fn)(unsigned char));\nvoid (*taken)(unsigned char);
noinline void take(void (*fn)(unsigned char)) { taken = fn; }
static noinline void key(unsigned char k) { printk("key %c", k); }\nnoinline void f(void) { take(key); }\n`,
    },
    after: {
      'a.c': `${HEAD}void take(void (*fn)(unsigned char));\nvoid (*taken)(unsigned char);
noinline void take(void (*fn)(unsigned char)) { taken = fn; }
static noinline void key(unsigned char k) { printk("KEY %c", k); }\nnoinline void f(void) { take(key); printk("taken"); }\n`,
    },
    verdict: 'built',
    changed: ['f', 'key'],
  },
];

const subjects = new Map<string, Promise<Subject>>();
afterAll(async () => {
  for (const each of subjects.values()) (await each).remove();
});

/** One hypervisor for all changes of the same sources. */
function subjectFor(arch: SubjectArch, before: Sources): Promise<Subject> {
  const key = JSON.stringify([arch, before]);
  const known = subjects.get(key) ?? subject(arch, before);
  subjects.set(key, known);
  return known;
}

describe.each(ARCHITECTURES)('on %s', (arch) => {
  it.each(CHANGES)('$title', async (change) => {
    const diff = (await subjectFor(arch, change.before)).diff(change.after);
    const found = byStatus(diff);
    expect({ verdict: diff.verdict, refusals: diff.refusals.map(({ message }) => message) }).toEqual({
      verdict: change.verdict,
      refusals: change.refusal === undefined ? [] : [expect.stringMatching(change.refusal)],
    });
    expect(found['changed'] ?? []).toEqual(change.changed ?? []);
    if (change.added !== undefined) expect(found['new'] ?? []).toEqual(change.added);
    if (change.removed !== undefined) expect(found['removed'] ?? []).toEqual(change.removed);
    expect(found['line-only'] ?? []).toEqual(change.moved ?? []);
    const first = diff.functions.find(({ status }) => status === 'changed');
    if (change.reason !== undefined) expect(first?.reason).toMatch(change.reason);
    if (change.advice !== undefined) expect(diff.refusals[0]?.advice).toMatch(change.advice);
    const remarks = diff.remarks.map(({ message }) => message);
    if (change.remark !== undefined) expect(remarks).toContainEqual(expect.stringMatching(change.remark));
    if (change.remarks !== undefined)
      expect(remarks).toEqual(change.remarks.map((each) => expect.stringMatching(each)));
    expect(diff.objects.length > 0).toBe(change.verdict === 'built');
  });
});
