import { describe, expect, it } from 'vitest';
import { initReference } from '../../src/lint/rules/init-reference.ts';
import { X86_FEATURE_ALWAYS } from '../../src/xen/index.ts';
import { hypervisorFromC, patching, payloadFromC } from './hypervisor-from-c.ts';
import { messages } from './support.ts';

const HEADER = `
#define noinline __attribute__((__noinline__, __noclone__))
#define __init __attribute__((section(".init.text"), __noinline__, __noclone__))
#define __initdata __attribute__((section(".init.data")))
struct pair { int a, b, c; };
extern int up;
extern int boot_flag;
extern struct pair boot_pair;
int setup(int x);
int other_setup(int x);
int log_it(int x);
`;

const XEN = `
#include "xen.h"
int up;
int __initdata boot_flag = 3;
struct pair __initdata boot_pair = { 1, 2, 3 };
int __init setup(int x) { return x * boot_flag; }
int __init other_setup(int x) { return x * 7; }
int noinline log_it(int x) { return x + 5; }
int noinline late(int x) { return up ? log_it(x) : setup(x) + log_it(x + 1); }
int noinline flagged(int x) { boot_flag = 77; return log_it(x) * 9; }
int noinline paired(int x) { return up ? log_it(x) : boot_pair.b + log_it(x); }
int noinline plain(int x) { return log_it(x) * 3 + log_it(x + 2); }
/* Unlikely: the compiler may move it elsewhere. */
int noinline __attribute__((cold)) failed(int x) { return setup(x) + 1; }
`;

const simulation = hypervisorFromC({ files: { 'xen.h': HEADER, 'xen.c': XEN } });

/** Builds a payload with these functions. */
const found = (functions: Record<string, string>, code: string): Promise<string[]> => {
  const patch = `#include "xen.h"\n${code}\n${patching(functions)}`;
  // The patch itself declares the names that it defines.
  return messages(initReference, payloadFromC({ files: { 'xen.h': HEADER, 'patch.c': patch } }), { simulation });
};

describe('init-reference', () => {
  it('lets a function refer to the same object as the one that it replaces', async () => {
    expect(
      await found({ late: 'late2' }, 'int late2(int x) { return up ? log_it(x) * 2 : setup(x) + log_it(x); }'),
    ).toEqual([]);
    expect(await found({ flagged: 'flagged2' }, 'int flagged2(int x) { boot_flag = 5; return log_it(x); }')).toEqual(
      [],
    );
  });

  it('accepts another member of the same object, and an immediate after the operand', async () => {
    expect(
      await found({ paired: 'p2' }, 'int p2(int x) { return up ? x : boot_pair.a + boot_pair.b + log_it(x); }'),
    ).toEqual([]);
    expect(await found({ paired: 'p2' }, 'int p2(int x) { boot_pair.b = 1234; return log_it(x); }')).toEqual([]);
  });

  it('reports a new reference', async () => {
    const [message, ...others] = await found({ plain: 'p2' }, 'int p2(int x) { return setup(x) + log_it(x); }');
    expect(message).toContain('setup at 0xffff82d0402');
    expect(message).toContain('is in init memory');
    expect(others).toEqual([]);
    expect(await found({ late: 'l2' }, 'int l2(int x) { return other_setup(x) + log_it(x); }')).toHaveLength(1);
    expect(await found({ late: 'l2' }, 'int l2(int x) { return boot_flag + log_it(x); }')).toHaveLength(1);
  });

  it('does not accept a reference of another replaced function', async () => {
    const both = 'int l2(int x) { return setup(x); } int p2(int x) { return setup(x) + log_it(x); }';
    expect(await found({ late: 'l2', plain: 'p2' }, both)).toHaveLength(1);
    const helper =
      'static int noinline helper(int x) { return setup(x) + 4; } int l2(int x) { return up ? x : helper(x); }';
    expect(await found({ late: 'l2' }, helper)).toEqual([]);
  });

  it('reports the pointer of an alternative call, which Xen reads during the load', async () => {
    const call = (table: string) => `
int l2(int x) { asm volatile ( "1: call *boot_flag(%rip)\\n" ${table} ); return log_it(x); }
int boot_flag_user(void);`;
    const entry = `
".pushsection .altinstructions,\\"a\\"; .long 1b - .; .long 2f - .; .word ${X86_FEATURE_ALWAYS}; .byte 6, 5, 0, 0; .popsection\\n"
".pushsection .altinstr_replacement,\\"ax\\"; 2: call .; .popsection\\n"`;
    expect(await found({ flagged: 'l2' }, call(''))).toEqual([]);
    expect(await found({ flagged: 'l2' }, call(entry))).toHaveLength(1);
  });
});
