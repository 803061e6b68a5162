import { describe, expect, it } from 'vitest';
import { inlinedCopy } from '../../src/lint/rules/inlined-copy.ts';
import { structLayout } from '../../src/lint/rules/struct-layout.ts';
import { hypervisorFromC, patching, payloadFromC } from './hypervisor-from-c.ts';
import { lint, messages } from './support.ts';

const HEADER = `
#define noinline __attribute__((noinline))
struct list { struct list *next, *prev; };
struct vcpu;
struct domain {
    unsigned short id;
    struct list list;
    unsigned int refs;
    union { unsigned long raw; struct { unsigned int low, high; }; };
    struct vcpu *vcpu[4];
    enum { ALIVE, DYING = 5 } state;
};
struct vcpu { int id; unsigned int a : 3, b : 5; struct domain *domain; };
struct unused { int a; };
extern int report(const char *, unsigned long);
`;

const DOMAIN = `
#include "sched.h"
int check_refs(struct domain *d) { return d->refs > 100 ? report("refs", d->refs) + report("raw", d->raw) : 0; }
int get_domain(struct domain *d) { if (check_refs(d)) return -1; d->refs++; return check_refs(d); }
int noinline put_domain(struct domain *d) { d->refs--; return check_refs(d); }
int noinline __attribute__((section(".init.text"))) start(struct domain *d) { return check_refs(d); }
`;

const VCPU = `
#include "sched.h"
struct local { long x, y; };
int report(const char *text, unsigned long value) { return text[value]; }
int noinline vcpu_id(struct vcpu *v) { struct local l = { v->id, 2 }; report((char *)&l, v->b); return v->domain->id; }
`;

const hypervisor = hypervisorFromC({ files: { 'sched.h': HEADER, 'domain.c': DOMAIN, 'vcpu.c': VCPU } });

describe('inlined-copy', () => {
  const fixed =
    '#include "sched.h"\nint new_check(struct domain *d) { return d->refs > 50 ? report("refs", 1) : 0; }\n';
  const payload = (functions: Record<string, string>, extra = ''): Uint8Array =>
    payloadFromC({ files: { 'sched.h': HEADER, 'patch.c': fixed + extra + patching(functions) } });
  const callers =
    '\nint new_get(struct domain *d) { return new_check(d); }\nint new_put(struct domain *d) { return new_check(d); }\n';

  it('names each function that has a copy, with the call, once', async () => {
    const found = await lint(inlinedCopy, payload({ check_refs: 'new_check' }), { simulation: hypervisor });
    expect(found.map(({ rule, severity, where }) => [rule, severity, where.section, where.symbol])).toEqual([
      ['inlined-copy', 'warning', '.livepatch.funcs', 'check_refs'],
      ['inlined-copy', 'warning', '.livepatch.funcs', 'check_refs'],
    ]);
    const texts = found.map(({ message }) => message).sort();
    expect(texts[0]).toBe(
      'check_refs is inlined in get_domain (domain.c:4), in 2 places, which the payload does not replace: the old code stays in use there. Replace get_domain, too',
    );
    expect(texts[1]).toContain('check_refs is inlined in put_domain (domain.c:5), which');
  });

  it('ignores functions that the payload also replaces', async () => {
    const all = { check_refs: 'new_check', get_domain: 'new_get', put_domain: 'new_put' };
    expect(await messages(inlinedCopy, payload(all, callers), { simulation: hypervisor })).toEqual([]);
    const some = { check_refs: 'new_check', get_domain: 'new_get' };
    const left = await messages(inlinedCopy, payload(some, callers), { simulation: hypervisor });
    expect(left).toHaveLength(1);
    expect(left[0]).toContain('put_domain');
  });

  it('ignores functions that are inlined nowhere', async () => {
    const found = await messages(inlinedCopy, payload({ put_domain: 'new_put' }, callers), { simulation: hypervisor });
    expect(found).toEqual([]);
  });

  it('names copies of one function from a header in other units', async () => {
    const shared = `${HEADER}\nstatic int noinline shared(int a) { return report("x", a) * 3; }\n`;
    const unit = (name: string): string =>
      `#include "sched.h"\nint noinline ${name}(int a) { return shared(a) + 1; }\n`;
    const both = hypervisorFromC({ files: { 'sched.h': shared, 'a.c': unit('a'), 'b.c': unit('b'), 'vcpu.c': VCPU } });
    const found = await messages(inlinedCopy, payload({ 'a.c#shared': 'new_check' }), { simulation: both });
    expect(found.map((text) => /another copy of (\S+), (\S+) at 0xffff82d0402[0-9a-f]+,/.exec(text)?.slice(1))).toEqual(
      [['shared', 'b.c#shared']],
    );
  });

  it('finds nothing without debug data of the hypervisor', async () => {
    const stripped = hypervisorFromC({
      files: { 'sched.h': HEADER, 'domain.c': DOMAIN, 'vcpu.c': VCPU },
      flags: ['-O2'],
    });
    expect(await messages(inlinedCopy, payload({ check_refs: 'new_check' }), { simulation: stripped })).toEqual([]);
  });
});

describe('struct-layout', () => {
  const code = `#include "sched.h"
struct local { char other; };
int new_put(struct domain *d) { return d->vcpu[0]->id; }
int unrelated(struct unused *u) { return u->a; }
${patching({ put_domain: 'new_put' })}`;
  const payload = (header: string, flags?: readonly string[], source = code): Uint8Array =>
    payloadFromC({ files: { 'sched.h': header, 'patch.c': source }, ...(flags !== undefined && { flags }) });
  const find = (bytes: Uint8Array): Promise<string[]> => messages(structLayout, bytes, { simulation: hypervisor });

  it('finds nothing if both agree, even with different versions of DWARF', async () => {
    for (const version of ['-gdwarf-4', '-gdwarf-5']) expect(await find(payload(HEADER, [version, '-O2']))).toEqual([]);
  });

  it('reports an inserted member and those that it moves', async () => {
    const changed = HEADER.replace('unsigned int refs;', 'unsigned long owner; unsigned int refs;');
    const [found, ...others] = await lint(structLayout, payload(changed), { simulation: hypervisor });
    expect(others).toEqual([]);
    expect(found).toMatchObject({ rule: 'struct-layout', severity: 'error' });
    expect(found?.where).toMatchObject({ section: '.text', symbol: 'new_put' });
    expect(found?.message).toBe(
      "struct domain (sched.h:5), which new_put can reach, differs from the hypervisor's: the hypervisor has no owner (at 0x18); its size is 88 bytes, but 80 bytes in the hypervisor; refs is at 0x20, not 0x18; raw is at 0x28, not 0x20; 4 more. Build the payload from the hypervisor's own source and configuration, and do not change structures",
    );
  });

  it('reports members that swap places without a change of size, in structures behind pointers', async () => {
    const [found] = await find(payload(HEADER.replace('unsigned int a : 3, b : 5;', 'unsigned int b : 5, a : 3;')));
    expect(found).toContain('struct vcpu (sched.h:13)');
    expect(found).toContain('b is at 0x4, not bit 3 of 0x4');
    expect(await find(payload(HEADER.replace('low, high', 'high, low')))).toHaveLength(1);
  });

  it('reports structures of global variables only if the code refers to them', async () => {
    const source = `#include "sched.h"
extern struct domain *hardware_domain __attribute__((visibility("hidden")));
static struct unused counter;
extern struct vcpu idle __attribute__((visibility("hidden")));
int new_put(void) { counter.a++; return hardware_domain != 0; }
int get(void) { return counter.a; }
${patching({ put_domain: 'new_put' })}`;
    const domain = HEADER.replace('unsigned short id;', 'unsigned long id;');
    expect((await find(payload(domain, undefined, source)))[0]).toContain('struct domain');
    const unused = HEADER.replace('struct unused { int a; }', 'struct unused { long b, a; }');
    const host = hypervisorFromC({
      files: { 'sched.h': HEADER, 'domain.c': `${DOMAIN}\nstruct unused u;\n`, 'vcpu.c': VCPU },
    });
    for (const flags of [
      ['-g', '-O2'],
      ['-g', '-O2', '-fdata-sections'],
    ]) {
      const [found] = await messages(structLayout, payload(unused, flags, source), { simulation: host });
      expect(found).toContain('struct unused (sched.h:14), which new_put can reach');
    }
    const vcpu = HEADER.replace('struct vcpu { int id;', 'struct vcpu { long id;');
    const other = source.replace('hardware_domain != 0', '0');
    expect(await find(payload(vcpu, undefined, other))).toEqual([]);
  });

  it('reports constants with other values, but no new ones', async () => {
    const tagged = (constants: string): string =>
      HEADER.replace('enum { ALIVE, DYING = 5 }', `enum state { ${constants} }`);
    const host = hypervisorFromC({ files: { 'sched.h': tagged('ALIVE, DYING'), 'domain.c': DOMAIN, 'vcpu.c': VCPU } });
    const said = (constants: string): Promise<string[]> =>
      messages(structLayout, payload(tagged(constants)), { simulation: host });
    expect(await said('ALIVE, DYING, DEAD')).toEqual([]);
    const [found] = await said('ALIVE, PAUSED, DYING');
    expect(found).toContain(
      "enum state (sched.h:11), which new_put can reach, differs from the hypervisor's: DYING is 2, not 1",
    );
  });

  it('ignores structures that no function of the payload uses', async () => {
    const unused = HEADER.replace('struct unused { int a; }', 'struct unused { long b, a; }');
    const source = code.replace('int unrelated(struct unused *u) { return u->a; }', '');
    expect(await find(payload(unused, undefined, source))).toEqual([]);
  });

  it('reports a structure of another unit with the same name if no unit agrees', async () => {
    const local = `${code}\nint other(struct local *l) { return l->other; }\n`;
    const found = await find(payload(HEADER, undefined, local));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain('struct local (patch.c:2), which other can reach');
  });

  it('compares with the structure of the old function’s own unit', async () => {
    const a = 'struct same { int a, b; };\nint noinline put_domain(struct same *s) { return s->b; }\n';
    const b = 'struct same { char x[3]; };\nint noinline b(struct same *s) { return s->x[1]; }\n';
    const define = '#define noinline __attribute__((noinline))\n';
    const host = hypervisorFromC({ files: { 'a.c': define + a, 'b.c': define + b } });
    const patch = (type: string, use: string): Uint8Array =>
      payloadFromC({
        files: {
          'patch.c': `struct same ${type};\nint new_put(struct same *s) { return s->${use}; }\n${patching({ put_domain: 'new_put' })}`,
        },
      });
    const said = (bytes: Uint8Array): Promise<string[]> => messages(structLayout, bytes, { simulation: host });
    expect(await said(patch('{ int a, b; }', 'b'))).toEqual([]);
    expect(await said(patch('{ char x[3]; }', 'x[1]'))).toHaveLength(1);
  });

  it('finds nothing without debug data of both', async () => {
    const changed = HEADER.replace('unsigned short id;', 'unsigned long id;');
    expect(await find(payload(changed, ['-O2']))).toEqual([]);
    const stripped = hypervisorFromC({
      files: { 'sched.h': HEADER, 'domain.c': DOMAIN, 'vcpu.c': VCPU },
      flags: ['-O2'],
    });
    expect(await messages(structLayout, payload(changed), { simulation: stripped })).toEqual([]);
    expect(await find(payload(changed))).toHaveLength(1);
  });
});
