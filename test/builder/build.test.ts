import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/base/index.ts';
import { buildAll } from '../../src/builder/index.ts';
import { isProblem } from '../../src/elf/index.ts';
import { readPayload } from '../../src/payload/index.ts';
import { examplePath } from '../support/examples.ts';
import { miniatureTree, patchOf } from './support/miniature-tree.ts';
import { buildFor, bytesOf, contentsOf, left, named, toolsFor } from './support/run-build.ts';

const VERSION = [['".1"', '".1-fixed"']] as const;

const payloadOf = (bytes: Uint8Array | null) => {
  const payload = readPayload(bytes ?? new Uint8Array(0));
  if (isProblem(payload)) throw new Error(payload.message);
  return payload;
};

const texts = (told: readonly Finding[]): string => told.map(({ message }) => message).join('\n');

describe('a patch of a built tree', () => {
  it('becomes a verified payload, and leaves the tree unchanged', async () => {
    const tree = miniatureTree();
    const before = contentsOf(tree.top);
    execFileSync('chmod', ['-R', 'a-w', tree.top]);
    const result = await buildFor(tree, patchOf(tree, 'common/version.c', VERSION, 'Say that it is fixed'));
    execFileSync('chmod', ['-R', 'u+w', tree.top]);
    expect(result).toMatchObject({ verdict: 'built', compiled: 1, cached: 0, refusals: [], kept: null, debug: null });
    expect(named(result, 'changed')).toEqual(['xen_extra_version']);
    const id = result.xen?.buildId;
    expect(result.xen).toEqual({ version: '4.18.1', buildId: expect.stringMatching(/^[0-9a-f]{40}$/) as string });
    expect(result.verified).toEqual({ release: '4.18.1', buildId: id });
    const { identity, metadata } = payloadOf(result.bytes);
    expect([identity.depends?.id, identity.xenDepends?.id]).toEqual([id, id]);
    expect(metadata?.strings.slice(0, 2)).toEqual(['name=fix', 'title=Say that it is fixed']);
    expect(contentsOf(tree.top)).toBe(before);
    expect(left(tree)).toEqual([]);
  });

  it('gives the same bytes with cached objects', async () => {
    const tree = miniatureTree();
    const patch = patchOf(tree, 'common/version.c', VERSION);
    const first = await buildFor(tree, patch);
    const second = await buildFor(tree, patch);
    expect([first.cached, second.cached]).toEqual([0, 1]);
    expect(second.bytes).toEqual(first.bytes);
    const other = miniatureTree();
    expect((await buildFor(other, patch)).bytes).toEqual(first.bytes);
  });

  it('that moves lines changes only the patched functions', async () => {
    const tree = miniatureTree();
    const path = 'common/keyhandler.c';
    const edits = [
      ['    unsigned int i;\n', '    unsigned int i;\n\n    /* A line more. */\n'],
      ['showing installed', 'showing all'],
    ] as const;
    expect(readFileSync(join(tree.xen, path), 'utf8')).toMatch(/show_handlers.*WARN_ON/s);
    const result = await buildFor(tree, patchOf(tree, path, edits));
    expect(named(result, 'changed')).toEqual(['show_handlers']);
    expect(named(result, 'line-only')).toEqual([]);
  });

  it('of a header reaches every object that includes it', async () => {
    const tree = miniatureTree();
    const edits = [['#define ARRAY_SIZE(x)', '#define UNUSED 1\n#define ARRAY_SIZE(x)']] as const;
    const result = await buildFor(tree, patchOf(tree, 'include/xen.h', edits));
    expect(result).toMatchObject({ verdict: 'unchanged', refusals: [], functions: [], bytes: null });
    expect(result.compiled).toBeGreaterThan(5);
    expect(result.objects).toEqual({ compared: result.compiled, identical: result.compiled });
  });

  it('of a comment changes nothing', async () => {
    const tree = miniatureTree();
    const result = await buildFor(tree, patchOf(tree, 'common/version.c', [['/* A fixed date', '/* A date']]));
    expect(result).toMatchObject({ verdict: 'unchanged', compiled: 0 });
    expect(texts(result.remarks)).toBe('only comments and white space change');
  });

  it('may be several, each on top of the one before', async () => {
    const tree = miniatureTree();
    const first = patchOf(tree, 'common/version.c', VERSION, 'One');
    const second = first.replace('] One', '] Two').replace('-    return ".1";', '-    return ".1-fixed";');
    const patches = [first, second.replace('+    return ".1-fixed";', '+    return ".1-again";')];
    const result = await buildFor(
      tree,
      '',
      {},
      {
        patches: patches.map((text, i) => ({ file: `${i}.patch`, bytes: bytesOf(text) })),
      },
    );
    expect(result.functions.find(({ status }) => status === 'changed')?.reason).toContain('".1-again"');
    expect(payloadOf(result.bytes).metadata?.strings).toEqual(expect.arrayContaining(['title=One', 'title=Two']));
  });

  it('has its debug information in a second file on request', async () => {
    const tree = miniatureTree();
    const { bytes, debug } = await buildFor(tree, patchOf(tree, 'common/version.c', VERSION), {}, { debugData: true });
    expect(debug?.length ?? 0).toBeGreaterThan(bytes?.length ?? 0);
    expect(payloadOf(debug).identity.buildId?.id).toBe(payloadOf(bytes).identity.buildId?.id);
  });

  it('uses the build-ids and the release of the base', async () => {
    const tree = miniatureTree();
    const patch = patchOf(tree, 'common/version.c', VERSION);
    const stacked = await buildFor(tree, patch, { depends: new Uint8Array(20).fill(7) });
    expect(payloadOf(stacked.bytes).identity.depends?.id).toBe('07'.repeat(20));
    const older = await buildFor(tree, patch, { release: '4.18.0' });
    expect(older.verified?.release).toBe('4.18.0');
    const refused = await buildFor(tree, patch, { xenDepends: new Uint8Array(20) });
    expect(refused.verified).toBeNull();
    expect(texts(refused.refusals)).toMatch(/^Xen refuses the payload with EINVAL/);
  });

  it('is for arm64 if the tree is', async () => {
    const tree = miniatureTree('arm64');
    const result = await buildFor(tree, patchOf(tree, 'common/version.c', VERSION));
    expect(result).toMatchObject({ verdict: 'built', compiled: 1 });
    expect(named(result, 'changed')).toEqual(['xen_extra_version']);
  });
});

describe('intermediate results', () => {
  it('are kept on request', async () => {
    const tree = miniatureTree();
    const { kept, bytes } = await buildFor(tree, patchOf(tree, 'common/version.c', VERSION), {}, { keep: true });
    expect(left(tree)).toEqual([expect.stringMatching(/^xsplice-build-/)]);
    const read = (path: string): Buffer => readFileSync(join(kept ?? '', path));
    expect(read('before/xen/common/version.c').toString()).toContain('".1"');
    expect(read('after/xen/common/version.c').toString()).toContain('".1-fixed"');
    for (const side of ['before', 'after']) expect(read(`${side}/xen/common/version.o`).length).toBeGreaterThan(1000);
    expect(new Uint8Array(read('payload.livepatch'))).toEqual(bytes);
    expect(read('commands').toString()).toMatch(/^cd \S+\/tree\/xen && gcc .* -c common\/version\.c /);
  });
});

describe('a build is refused for', () => {
  it('a patch that does not apply: where, what was expected and what is there', async () => {
    const tree = miniatureTree();
    const patch = patchOf(tree, 'common/version.c', VERSION);
    writeFileSync(
      join(tree.xen, 'common/version.c'),
      readFileSync(join(tree.xen, 'common/version.c'), 'utf8').replace('".1"', '".2"'),
    );
    const result = await buildFor(tree, patch);
    expect(result).toMatchObject({ verdict: 'refused', compiled: 0, bytes: null, xen: { version: '4.18.1' } });
    expect(texts(result.refusals)).toMatch(
      /^fix\.patch: xen\/common\/version\.c, @@ .*: line \d+: the patch expects “ {4}return "\.1";”, but the file has “ {4}return "\.2";”$/,
    );
    expect(result.refusals[0]?.where.file).toBe('xen/common/version.c');
  });

  it('a file without a patch in it', async () => {
    const result = await buildFor(miniatureTree(), 'Dear all,\n');
    expect(result.verdict).toBe('refused');
    expect(texts(result.refusals)).toBe('fix.patch: it has no patch in it');
  });

  it('an error of the compiler, with file and line', async () => {
    const tree = miniatureTree();
    const result = await buildFor(tree, patchOf(tree, 'common/version.c', [['return ".1";', 'return nothing;']]));
    expect(result).toMatchObject({ verdict: 'refused', compiled: 1 });
    expect(texts(result.refusals)).toMatch(
      /common\/version\.o does not compile with the patch at common\/version\.c:\d+/,
    );
    expect(left(tree)).toEqual([]);
  });

  it('sources that are not those of the build', async () => {
    const tree = miniatureTree();
    const patch = patchOf(tree, 'common/version.c', VERSION);
    const text = readFileSync(join(tree.xen, 'common/version.c'), 'utf8');
    writeFileSync(join(tree.xen, 'common/version.c'), text.replace('return 18;', 'return 19;'));
    const result = await buildFor(tree, patch);
    expect(texts(result.refusals)).toContain('common/version.o is not what its source gives');
    expect(result.refusals[0]?.advice).toContain('build the tree again');
  });

  it('a structure that grows, unless the user allows it', async () => {
    const tree = miniatureTree();
    const path = 'common/keyhandler.c';
    const edits = [
      ['static struct keyhandler key_table', 'struct local { int a; };\nstatic struct keyhandler key_table'],
      ['    unsigned int i;\n', '    unsigned int i;\n    struct local local = { key };\n'],
      ['showing installed handlers\\n", key', 'showing installed handlers %d\\n", key, *(volatile int *)&local'],
    ] as const;
    const text = patchOf(tree, path, edits);
    const added = await buildFor(tree, text);
    expect(added.refusals).toEqual([]);
    // The tree has the structure now, and its build, too.
    execFileSync('patch', ['-s', '-p1'], { cwd: tree.top, input: text });
    execFileSync('make', ['-s', 'build'], { cwd: tree.xen, env: tree.env, stdio: 'ignore' });
    const grown = patchOf(tree, path, [
      ['struct local { int a; };', 'struct local { int a, b; };'],
      ['= { key };', '= { key, 1 };'],
      ['(volatile int *)&local', '(volatile int *)&local.b'],
    ]);
    const refused = await buildFor(tree, grown);
    expect(refused.verdict).toBe('refused');
    expect(refused.refusals).toEqual([
      expect.objectContaining({ where: { file: 'common/keyhandler.o', symbol: 'local' } }),
    ]);
    expect((await buildFor(tree, grown, {}, { allowedLayouts: ['local'] })).verdict).toBe('built');
  });

  it('new data for each CPU, as for any payload', async () => {
    const tree = miniatureTree();
    const edits = [
      [
        'static struct keyhandler key_table',
        'static __attribute__((section(".bss.percpu"))) int counter;\nstatic struct keyhandler key_table',
      ],
      ['    unsigned int i;\n', '    unsigned int i;\n\n    (*(volatile int *)&counter)++;\n'],
    ] as const;
    const { verdict, refusals } = await buildFor(tree, patchOf(tree, 'common/keyhandler.c', edits));
    expect({ verdict, symbol: refusals[0]?.where.symbol }).toEqual({ verdict: 'refused', symbol: 'counter' });
  });
});

describe('a build fails for', () => {
  const patch = (tree: ReturnType<typeof miniatureTree>) => patchOf(tree, 'common/version.c', VERSION);

  it('another xen-syms than that of the tree', async () => {
    const tree = miniatureTree();
    const xen = examplePath('arm64/miniature-xen');
    await expect(buildFor(tree, patch(tree), { xen })).rejects.toMatchObject({
      code: 'EUSAGE',
      message: expect.stringContaining('the tree gives another hypervisor') as string,
    });
  });

  it('objects without the xen-syms that they were linked into', async () => {
    const tree = miniatureTree();
    const xen = join(tree.folder, 'xen-syms');
    writeFileSync(xen, readFileSync(join(tree.xen, 'xen-syms')));
    rmSync(join(tree.xen, 'xen-syms'));
    await expect(buildFor(tree, patch(tree))).rejects.toMatchObject({
      code: 'EUSAGE',
      hint: expect.stringContaining('--xen') as string,
    });
    expect((await buildFor(tree, patch(tree), { xen })).verdict).toBe('built');
    await expect(buildFor(tree, patch(tree), { xen: `${xen}-d` })).rejects.toMatchObject({ code: 'EFILE' });
  });

  it('a folder that is no tree', async () => {
    const tree = miniatureTree();
    await expect(buildFor(tree, patch(tree), { source: tree.folder })).rejects.toMatchObject({ code: 'EUSAGE' });
  });

  it('one base without stopping the others', async () => {
    const [one, two] = [miniatureTree(), miniatureTree('arm64')];
    const request = { patches: [{ file: 'fix.patch', bytes: bytesOf(patch(one)) }], name: 'fix' };
    const bases = [{ source: one.top }, { source: '/nowhere' }, { source: two.top }];
    const results = await buildAll(bases, request, toolsFor(one));
    expect(results).toMatchObject([{ verdict: 'built' }, { code: 'EUSAGE' }, { verdict: 'built' }]);
  });
});
