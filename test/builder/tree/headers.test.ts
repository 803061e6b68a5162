import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { change, miniTree, SOURCES } from './mini-tree.ts';
import { logged, pairs, section, snapshot } from './pair-support.ts';

/** Rules in the manner of xen/Makefile and xen/include/Makefile of 4.17: a public header has a form for 32 bits. */
const RULES = {
  'xen/Makefile': `${SOURCES['xen/Makefile']}build := -f Rules.mk obj
SRCARCH := x86
.PHONY: outputmakefile tools_fixdep
outputmakefile tools_fixdep: ;
`,
  'xen/Rules.mk': `.PHONY: all include
include:
all: include/compat/vcpu.h
include/compat/%.h: include/public/%.h
	mkdir -p include/compat
	sed -e 's/long/int/g' $< > $@
`,
  'xen/include/public/vcpu.h': '#define VCPU_RESERVED 4\nstruct vcpu_info { long reserved[VCPU_RESERVED]; };\n',
  'xen/include/compat/vcpu.h': '#define VCPU_RESERVED 4\nstruct vcpu_info { int reserved[VCPU_RESERVED]; };\n',
  'xen/common/kernel.c':
    '#include <compat/vcpu.h>\nunsigned long do_kernel(int x) { return sizeof(struct vcpu_info) + x; }\n',
};

const tree = () => miniTree(RULES);
const longer = (text: string): string => text.replace('VCPU_RESERVED 4', 'VCPU_RESERVED 5');

describe('a header that another one is made of', () => {
  test('has that made anew: objects that include only the made one are compiled', async () => {
    const mini = tree();
    const before = snapshot(mini.top);
    const edit = change(mini, 'xen/include/public/vcpu.h', longer);
    const { env, calls } = logged(mini, 'make');
    const found = await pairs(mini, [edit], { env });
    expect(found.problems).toEqual([]);
    expect(found.pairs.map(({ object }) => object)).toEqual(['common/kernel.o']);
    const code = [found.pairs[0]?.orig, found.pairs[0]?.patched].map((bytes) => section(bytes, '.text.do_kernel'));
    expect(code[0]).toContain(String.fromCharCode(4 * 4));
    expect(code[1]).toContain(String.fromCharCode(4 * 5));
    expect(snapshot(mini.top)).toBe(before);
    const count = calls().length;
    expect(count).toBeGreaterThan(0);
    expect((await pairs(mini, [edit], { env })).pairs).toEqual(found.pairs);
    expect(calls().length).toBe(count);
  });

  test('is left alone where only comments change', async () => {
    const mini = tree();
    const { env, calls } = logged(mini, 'make');
    const edit = change(mini, 'xen/include/public/vcpu.h', (text) => `${text}/* new */\n`);
    expect((await pairs(mini, [edit], { env })).affected).toBe(0);
    expect(calls()).toEqual([]);
  });

  test('is a problem where the rules do not make it, with what make says', async () => {
    const mini = tree();
    const rules = join(mini.xen, 'Rules.mk');
    writeFileSync(rules, readFileSync(rules, 'latin1').replace('sed -e', 'no-such-program -e'));
    const found = await pairs(mini, [change(mini, 'xen/include/public/vcpu.h', longer)]);
    expect(found.pairs).toEqual([]);
    expect(found.problems).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(/cannot regenerate .*no-such-program/s),
        advice: expect.stringMatching(/\w/),
      }),
    ]);
  });

  test('a patch of the rules is not followed, and nothing of it is run', async () => {
    const mini = tree();
    const mark = join(mini.top, 'mark');
    const edit = change(mini, 'xen/Rules.mk', (text) => text.replace('mkdir -p', `touch ${mark}; mkdir -p`));
    const found = await pairs(mini, [edit, change(mini, 'xen/include/public/vcpu.h', longer)]);
    expect(found.problems).toEqual([expect.objectContaining({ where: { file: 'xen/Rules.mk' } })]);
    expect(existsSync(mark)).toBe(false);
  });
});
