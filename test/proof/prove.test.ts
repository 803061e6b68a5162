import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Proof } from '../../src/proof/index.ts';
import { type Sources, type Subject, type SubjectArch, subject } from '../diff/support/subject.ts';
import { linked, proofOf } from './support/proving.ts';
import { Saboteur } from './support/sabotage.ts';

const ARCHITECTURES: readonly SubjectArch[] = ['x86_64', 'arm64'];

const BEFORE: Sources = {
  'a.c': `#include <xen.h>
static int first = 1;
static int second = 2;
static const char *const names[4] = { "one", "two", "three", "four" };
int sum(int x); int other(int x); int quiet(int x); int total(void);
noinline int sum(int x) { first += x; second -= x; printk("sum %d", first); return first; }
noinline int other(int x) { WARN_ON(x > 9); WARN_ON(x < -9); printk(names[x & 3]); return x * second; }
noinline int quiet(int x) { return x + first; }
noinline int total(void) { return sum(1) + other(2) + first - second; }
`,
};

const AFTER: Sources = {
  'a.c': `#include <xen.h>
static int first = 1;
static int second = 2;
static int hits;
static int last = 5;
static const char *const names[4] = { "one", "two", "three", "four" };
static const int fresh[4] = { 3, 1, 4, 1 };
int sum(int x); int other(int x); int quiet(int x); int total(void);
static noinline int helper(int x) { hits += x; last = x; printk("helper %d", hits); return fresh[x & 3]; }
noinline int sum(int x) { first += x; second -= x; printk("the sum %d", first); return first + helper(x); }
noinline int other(int x) { WARN_ON(x > 8); WARN_ON(x < -9); printk(names[x & 3]); return x * second + last; }
noinline int quiet(int x) { return x + first; }
noinline int total(void) { return sum(1) + other(2) + first - second; }
`,
};

/** Damage to a payload, and the finding that tells of it. */
const SABOTAGE: readonly (readonly [title: string, rule: string, damage: (payload: Saboteur) => void])[] = [
  ['an entry of .livepatch.funcs is dropped', 'proof-code', (p) => p.shorten('.livepatch.funcs', 104)],
  ['old_size is wrong', 'proof-entry', (p) => p.setU32('.livepatch.funcs', 28, 64)],
  ['new_size is 0', 'proof-entry', (p) => p.setU32('.livepatch.funcs', 24, 0)],
  ['a reference leads to the neighbour', 'proof-state', (p) => p.redirect('.text.sum', [/#first$/, /#second$/])],
  [
    'two statics are swapped',
    'proof-state',
    (p) => p.redirect('.text.sum', [/#first$/, /#second$/], [/#second$/, /#first$/]),
  ],
  [
    'a call leads to another function',
    'proof-',
    (p) => p.redirect('.text.sum', [/^printk$/, /^startup_cpu_idle_loop$|#second$/]),
  ],
  ['a reference leads past its variable', 'proof-', (p) => p.shift('.text.sum', /#second$/, 4n)],
  ['a byte of a constant is changed', 'proof-data', (p) => p.flip(/^\.rodata\.fresh|^\.rodata\.cst/, 4)],
  ['a byte of a new variable is changed', 'proof-data', (p) => p.flip(/^\.data\.last/, 0)],
  ['an instruction is changed', 'proof-code', (p) => p.flip('.text.helper', p.section('.text.helper').size - 1, 0x10)],
  ['a table is shortened', 'proof-table', (p) => p.shorten(/^\.bug_frames\.1/, 8)],
  ['a text is changed', 'proof-data', (p) => p.flip(/^\.rodata\..*str1/, 0)],
];

const rules = ({ findings }: Proof): string[] => findings.map(({ rule, message }) => `${rule} ${message}`);

describe.each(ARCHITECTURES)('on %s', (arch) => {
  let host: Subject;
  let payload: Uint8Array;
  const prove = (bytes: Uint8Array, after = AFTER): Promise<Proof> =>
    proofOf({ arch, subject: host, before: BEFORE, after }, bytes);

  beforeAll(async () => {
    host = await subject(arch, BEFORE);
    payload = await linked(host.diff(AFTER), arch);
  }, 60_000);
  afterAll(() => host.remove());

  it('proves the right payload, and says which functions run in it', async () => {
    const proof = await prove(payload);
    expect(rules(proof)).toEqual([]);
    expect(proof.verdict).toBe('proved');
    const inPayload = proof.functions.filter(({ runs }) => runs === 'payload').map(({ name }) => name);
    expect(inPayload.sort()).toEqual(['other', 'sum']);
  });

  it.each(SABOTAGE)('does not prove it if %s', async (_, rule, damage) => {
    const saboteur = new Saboteur(payload);
    damage(saboteur);
    const proof = await prove(saboteur.bytes);
    expect(proof.verdict).toBe('not proved');
    expect(rules(proof)).toContainEqual(expect.stringContaining(rule));
  });

  it('does not prove it for a patch that changes more, or less', async () => {
    const more = { 'a.c': (AFTER['a.c'] as string).replace('return x + first', 'return x - first') };
    expect(rules(await prove(payload, more))).toContainEqual(expect.stringMatching(/^proof-code quiet: /));
    const less = { 'a.c': (AFTER['a.c'] as string).replace('x > 8', 'x > 9') };
    expect((await prove(payload, less)).verdict).toBe('not proved');
  });

  it('does not prove it for another hypervisor', async () => {
    const other = { 'a.c': (BEFORE['a.c'] as string).replace('x + first', 'x ^ first') };
    const wrong = await subject(arch, other);
    try {
      const proof = await proofOf(
        { arch, subject: { ...host, image: wrong.image }, before: BEFORE, after: AFTER },
        payload,
      );
      expect(rules(proof)).toContainEqual(expect.stringMatching(/^proof-before /));
    } finally {
      wrong.remove();
    }
  });

  it('ends soon, and with a verdict, for damaged payloads and objects', async () => {
    let seed = 7;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const damaged = (bytes: Uint8Array): Uint8Array => {
      const copy = bytes.slice();
      for (let i = 0; i < 1 + random(8); i++) copy[random(copy.length)] = random(256);
      // Section headers, at the end, are where sizes are.
      copy[copy.length - 1 - random(2000)] = random(256);
      return copy;
    };
    for (let round = 0; round < 60; round++) {
      const started = performance.now();
      const proof =
        round % 3 === 0
          ? await proofOf({ arch, subject: host, before: BEFORE, after: AFTER }, payload, damaged)
          : await prove(damaged(payload));
      expect(['proved', 'not proved']).toContain(proof.verdict);
      expect(performance.now() - started).toBeLessThan(5000);
    }
    expect((await prove(payload.subarray(0, 100))).verdict).toBe('not proved');
  }, 60_000);
});

describe.each(ARCHITECTURES)('a variable behind padding on %s', (arch) => {
  it('is not taken for the end of the padding', async () => {
    const before = {
      'a.c':
        '#include <xen.h>\nstatic char __read_mostly tag = 1;\nstatic long __read_mostly __attribute__((aligned(64))) big = 3;\nlong *where(void); char *mark(void);\nnoinline long *where(void) { nag_administrator(); return &big; }\nnoinline char *mark(void) { tag++; return &tag; }\n',
    };
    const after = { 'a.c': before['a.c'].replace('tag++', 'tag += 3') };
    const host = await subject(arch, before);
    try {
      const proof = await proofOf({ arch, subject: host, before, after }, await linked(host.diff(after), arch));
      expect(rules(proof)).toEqual([]);
    } finally {
      host.remove();
    }
  });
});

/** Payloads that a builder made from something less than the patch: `made` is what it took the patch for. */
const MISSED: readonly {
  readonly title: string;
  readonly before: Sources;
  readonly after: Sources;
  readonly made: Sources;
  readonly rule: RegExp;
}[] = [
  {
    title: 'a moved and changed function whose callers keep the old one',
    before: {
      'a.c':
        '#include <xen.h>\nint price(int n); int left(int n);\nnoinline int price(int n) { return n * 10 + 1; }\nnoinline int left(int n) { return n + 3; }\n',
      'b.c': '#include <xen.h>\nint right(int n);\nnoinline int right(int n) { return n * 21 + 7; }\n',
    },
    after: {
      'a.c': '#include <xen.h>\nint left(int n);\nnoinline int left(int n) { return n + 3; }\n',
      'b.c':
        '#include <xen.h>\nint right(int n); int price(int n);\nnoinline int right(int n) { return n * 41 + 7; }\nnoinline int price(int n) { return n * 10 + 2; }\n',
    },
    made: {
      'b.c': '#include <xen.h>\nint right(int n);\nnoinline int right(int n) { return n * 41 + 7; }\n',
    },
    rule: /^proof-code price: .* the host runs other code/,
  },
  {
    title: 'a static that gets the state of another of its name',
    before: {
      'a.c':
        '#include <xen.h>\nint f(int i);\nnoinline int f(int i) { { static int n; n += i; i = n * 2; } return i; }\n',
    },
    after: {
      'a.c':
        '#include <xen.h>\nint f(int i);\nnoinline int f(int i) { if ( i > 100 ) { static int n; n++; if ( n > 3 ) return -1; } { static int n; n += i; i = n * 2; } return i; }\n',
    },
    made: {
      'a.c':
        '#include <xen.h>\nint f(int i);\nstatic int m;\nnoinline int f(int i) { if ( i > 100 ) { static int n; n++; if ( n > 3 ) return -1; } { m += i; i = m * 2; } return i; }\n',
    },
    rule: /^proof-ambiguous n\.\d+: 2 variables are called n after the patch and 1 on the host/,
  },
  {
    title: 'a constant that is taken for the line it moved with',
    before: {
      'a.c':
        '#include <xen.h>\nint quota(int kind); int more(int i);\n/* Most. */\nnoinline int quota(int kind)\n{\n    if ( kind > 3 )\n        return 12;\n    nag_administrator();\n    return 1;\n}\nnoinline int more(int i) { return i * i; }\n',
    },
    after: {
      'a.c':
        '#include <xen.h>\nint quota(int kind); int more(int i);\n/* Most.\n * One more. */\nnoinline int quota(int kind)\n{\n    if ( kind > 3 )\n        return 13;\n    nag_administrator();\n    return 1;\n}\nnoinline int more(int i) { return i * i + 1; }\n',
    },
    made: {
      'a.c':
        '#include <xen.h>\nint quota(int kind); int more(int i);\n/* Most. */\nnoinline int quota(int kind)\n{\n    if ( kind > 3 )\n        return 12;\n    nag_administrator();\n    return 1;\n}\nnoinline int more(int i) { return i * i + 1; }\n',
    },
    rule: /^proof-code quota: .* the host runs other code/,
  },
];

describe.each(ARCHITECTURES)('a missed fix on %s', (arch) => {
  it.each(MISSED)('$title', async ({ before, after, made, rule }) => {
    const host = await subject(arch, before);
    try {
      const diff = host.diff(made);
      expect(diff.verdict).toBe('built');
      const proof = await proofOf({ arch, subject: host, before, after }, await linked(diff, arch));
      expect(proof.verdict).toBe('not proved');
      expect(rules(proof)).toContainEqual(expect.stringMatching(rule));
    } finally {
      host.remove();
    }
  });
});
