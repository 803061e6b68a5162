import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { hex } from '../../src/base/index.ts';
import type { DiffDocument } from '../../src/documents/index.ts';
import { diffSchema } from '../../src/documents/schemas.ts';
import { type ElfFile, isProblem, readElf } from '../../src/elf/index.ts';
import { readPayload } from '../../src/payload/index.ts';
import type { XenArch } from '../../src/xen/index.ts';
import { exampleBytes, examplePath, examplesOf } from '../support/examples.ts';
import { withTool } from '../support/gcc.ts';
import { compileMiniature, type Edits } from '../support/miniature-source.ts';
import { privateDirectory, runMain, run as runWithDocuments } from './support.ts';

const cwd = privateDirectory();

/** The whole command, simulator and all. */
const xsplice = (...argv: string[]) => runMain(argv, { env: { PATH: process.env['PATH'], TMPDIR: cwd }, cwd });

/** `xsplice diff --json`, its document as the schema has it. */
async function diff(...argv: string[]): Promise<{ status: number; document: DiffDocument }> {
  const { status, stdout, stderr } = await xsplice('diff', '--json', ...argv);
  expect(stderr).toBe('');
  return { status, document: diffSchema.parse(JSON.parse(stdout)) };
}

function write(path: string, bytes: Uint8Array | string): void {
  mkdirSync(dirname(join(cwd, path)), { recursive: true });
  writeFileSync(join(cwd, path), bytes);
}

const xen = ['--xen', examplePath('miniature-xen')];
const VERSION_EDIT: Edits = [['".1"', '".1-fixed"']];
const KERNEL_EDIT: Edits = [["to[i] = '\\0';\n    return 0;", "to[i] = '\\0';\n    return from[i] ? -1 : 0;"]];

beforeAll(() => {
  const pair = (source: string, edits: Edits): void => {
    const object = source.replace(/c$/, 'o');
    write(`before/${object}`, compileMiniature('x86_64', source, [], ['-g']));
    write(`after/${object}`, compileMiniature('x86_64', source, edits, ['-g']));
  };
  pair('common/version.c', VERSION_EDIT);
  pair('common/kernel.c', KERNEL_EDIT);
  pair('common/keyhandler.c', []);
});

function elfOf(bytes: Uint8Array): ElfFile {
  const file = readElf(new Uint8Array(bytes));
  if (isProblem(file)) throw new Error(file.message);
  return file;
}

/** Functions of a status. */
const named = ({ functions }: DiffDocument, status: string): string[] =>
  functions.filter((each) => each.status === status).map(({ name }) => name);

describe('a payload from folders of objects', () => {
  const out = join(cwd, 'fix.livepatch');

  it('is built, verified and written', async () => {
    const { status, document } = await diff('before', 'after', ...xen, '--link', '-o', 'fix.livepatch');
    expect(status).toBe(0);
    const { buildId } = examplesOf('x86_64').image;
    expect(document).toMatchObject({
      verdict: 'built',
      objects: { compared: 3, identical: 1 },
      refusals: [],
      verified: { release: '4.18.1', buildId },
      payload: { file: 'fix.livepatch', bytes: readFileSync(out).length },
    });
    expect(named(document, 'changed').sort()).toEqual(['do_xen_version', 'xen_extra_version']);
    const payload = readPayload(new Uint8Array(readFileSync(out)));
    if (isProblem(payload)) throw new Error(payload.message);
    expect(payload.identity.depends?.id).toBe(buildId);
    expect(payload.metadata?.strings[0]).toBe('name=fix');
  });

  it('passes check and rehearsal, and returns what the patched source returns', async () => {
    await diff('before', 'after', ...xen, '--link', '-o', 'checked.livepatch');
    const checked = await xsplice('check', 'checked.livepatch', ...xen, '--json');
    expect(JSON.parse(checked.stdout)).toMatchObject({ payloads: [{ verdict: 'accepted' }] });
    const call = (text: string) =>
      xsplice('rehearse', 'checked.livepatch', ...xen, '--call', `xen_extra_version() = "${text}"`);
    const fixed = await call('.1-fixed');
    expect(fixed).toMatchObject({ status: 0, stderr: '' });
    expect(fixed.stdout).toMatch(/xen_extra_version\(\) {2}before +"\.1" /);
    expect(fixed.stdout).toMatch(/xen_extra_version\(\) {2}applied +"\.1-fixed" /);
    expect(await call('.1')).toMatchObject({ status: 1 });
  });

  it('is the same bytes each time, whatever the file is called', async () => {
    const { document } = await diff('before', 'after', ...xen, '--link', '-o', 'again', '--name', 'fix');
    expect(readFileSync(join(cwd, 'again'))).toEqual(readFileSync(out));
    expect(document.payload?.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is reported as text, the verdict first', async () => {
    const { status, stdout } = await xsplice('diff', 'before', 'after', ...xen, '--link', '-o', 'fix.livepatch');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^BUILT {2}2 changed functions, fix\.livepatch, \d+ bytes\n/);
    expect(stdout).toMatch(/\n {2}changed +xen_extra_version {2}common\/version\.o\n.*\n +--> common\/version\.c:24\n/);
    expect(stdout).toMatch(/- \+0x0 .*"\.1">?\n.*\+ \+0x0 .*"\.1-fixed"/);
    expect(stdout).toContain('1 of 3 objects are the same');
    expect(stdout).not.toContain('xen_major_version');
    const explained = await xsplice('diff', 'before', 'after', ...xen, '--explain');
    expect(explained.stdout).toMatch(/\n {2}unchanged +xen_major_version /);
  });

  it('names what it is told to depend on', async () => {
    const { status, document } = await diff(
      ...['before', 'after', ...xen, '--link', '-o', 'stacked.livepatch', '--depends', 'AB'.repeat(16)],
    );
    expect(status).toBe(0);
    expect(document.remarks.map(({ message }) => message).join()).toContain('depends on abab');
    const payload = readPayload(new Uint8Array(readFileSync(join(cwd, 'stacked.livepatch'))));
    expect(isProblem(payload) ? undefined : payload.identity.depends?.id).toBe('ab'.repeat(16));
  });

  it('has a file with its debug information beside it, where that is wanted', async () => {
    const linked = ['--link', '-o', 'fix.livepatch', '--debug-file', 'fix.debug'];
    const { document } = await diff('before', 'after', ...xen, ...linked);
    expect(document.debug).toMatchObject({ file: 'fix.debug', bytes: readFileSync(join(cwd, 'fix.debug')).length });
    const [payload, debug] = [readFileSync(out), readFileSync(join(cwd, 'fix.debug'))].map((bytes) => elfOf(bytes));
    const named = (file: typeof debug, of: RegExp) =>
      (file?.sections ?? []).filter(({ name }) => of.test(name)).map((section) => [section.name, hex(section.data())]);
    const loaded = /^\.(text|rodata|livepatch|note|modinfo)/;
    expect(named(debug, loaded)).toEqual(named(payload, loaded));
    expect(named(payload, /^\.debug_/)).toEqual([]);
    expect(named(debug, /^\.debug_line$/)).toHaveLength(1);
    const args = ['-j', '.text.xen_extra_version', '-e', 'in', '0'];
    const line = withTool('addr2line', args, { in: debug?.bytes ?? '' }, ({ stdout }) => stdout);
    expect(line.trim()).toMatch(/common\/version\.c:24$/);
  });

  it('has none where the objects have no debug information, and says so', async () => {
    write('plain/before.o', compileMiniature('x86_64', 'common/version.c'));
    write('plain/after.o', compileMiniature('x86_64', 'common/version.c', VERSION_EDIT));
    write('plain.debug', 'what an earlier run has left');
    const linked = ['--link', '-o', 'plain.livepatch', '--debug-file', 'plain.debug'];
    const { status, document } = await diff('plain/before.o', 'plain/after.o', ...xen, ...linked);
    expect({ status, debug: document.debug }).toEqual({ status: 0, debug: null });
    expect(document.remarks.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^changed structure layouts were not checked/),
      'no debug file: the objects have no debug information; compile with -g',
    ]);
    expect(existsSync(join(cwd, 'plain.debug'))).toBe(false);
  });

  it('that Xen would refuse is not built, and not left behind', async () => {
    write('wrong.livepatch', 'what an earlier run has left');
    const wrong = ['--link', '-o', 'wrong.livepatch', '--xen-depends', '00'.repeat(20)];
    const { status, document } = await diff('before', 'after', ...xen, ...wrong);
    expect(status).toBe(1);
    expect(document).toMatchObject({ verdict: 'refused', verified: null, payload: null });
    expect(document.refusals[0]?.message).toMatch(/^Xen refuses the payload with EINVAL: /);
    expect(existsSync(join(cwd, 'wrong.livepatch'))).toBe(false);
    const kept = await diff('before', 'after', ...xen, ...wrong, '--keep');
    expect(kept.document.remarks.at(-1)?.message).toBe('the refused payload is kept in wrong.livepatch.refused');
    expect(existsSync(join(cwd, 'wrong.livepatch'))).toBe(false);
    const rehearsed = await xsplice('check', 'wrong.livepatch.refused', ...xen);
    expect(rehearsed).toMatchObject({ status: 1 });
  });

  it('leaves no temporary files', () => {
    expect(readdirSync(cwd).filter((name) => name.startsWith('xsplice-') || name.endsWith('.new'))).toEqual([]);
  });
});

describe('without --link', () => {
  it('one object is written as it is, and nothing is called verified', async () => {
    const { document } = await diff('before/common/version.o', 'after/common/version.o', ...xen, '-o', 'object.o');
    expect(document).toMatchObject({ verdict: 'built', verified: null, payload: { file: 'object.o' } });
    expect(document.functions.every(({ object }) => object === 'common/version.o')).toBe(true);
    const payload = readPayload(new Uint8Array(readFileSync(join(cwd, 'object.o'))));
    if (isProblem(payload)) throw new Error(payload.message);
    expect(payload.elf.section('.livepatch.funcs')).toBeDefined();
    expect(payload.identity).toEqual({ buildId: undefined, depends: undefined, xenDepends: undefined });
  });

  it('several objects become one', async () => {
    expect((await diff('before', 'after', ...xen, '-o', 'joined.o')).document.verdict).toBe('built');
    const payload = readPayload(new Uint8Array(readFileSync(join(cwd, 'joined.o'))));
    if (isProblem(payload)) throw new Error(payload.message);
    expect(payload.functions?.entries.length).toBe(2);
    expect(payload.identity.buildId).toBeUndefined();
  });

  it('and without a file nothing is written', async () => {
    const before = readdirSync(cwd);
    expect((await diff('before', 'after', ...xen)).document).toMatchObject({ verdict: 'built', payload: null });
    expect(readdirSync(cwd)).toEqual(before);
  });
});

describe('objects that are the same', () => {
  it('are no payload, and that is no error', async () => {
    write('same.livepatch', 'what an earlier run has left');
    const object = 'before/common/version.o';
    const { status, document } = await diff(object, object, ...xen, '--link', '-o', 'same.livepatch');
    expect(status).toBe(0);
    expect(document).toMatchObject({ verdict: 'unchanged', objects: { compared: 1, identical: 1 }, payload: null });
    expect(existsSync(join(cwd, 'same.livepatch'))).toBe(false);
  });
});

describe('input that is none', () => {
  it.each([
    ['text', 'hello', /common\/x\.o: /],
    ['an empty file', '', /common\/x\.o: /],
    ['a hypervisor', exampleBytes('miniature-xen'), /not a relocatable object/],
    ['an object of another machine', exampleBytes('arm64/hello'), /is for AArch64/],
  ])('is refused: %s', async (_what, bytes, reason) => {
    write('odd/common/x.o', bytes);
    write('sound/common/x.o', exampleBytes('hello'));
    const { status, document } = await diff('sound/common/x.o', 'odd/common/x.o', ...xen, '-o', 'odd.livepatch');
    expect({ status, verdict: document.verdict }).toEqual({ status: 1, verdict: 'refused' });
    expect(document.refusals[0]?.message).toMatch(reason);
    expect(existsSync(join(cwd, 'odd.livepatch'))).toBe(false);
  });

  it('of another machine is left out of folders, and said', async () => {
    const [before, after] = [
      compileMiniature('arm64', 'common/version.c'),
      compileMiniature('arm64', 'common/version.c', VERSION_EDIT),
    ];
    for (const [folder, foreign] of [
      ['mixed/before', before],
      ['mixed/after', after],
    ] as const) {
      write(`${folder}/boot/reloc.o`, foreign);
      write(`${folder}/common/version.o`, readFileSync(join(cwd, folder.replace('mixed/', ''), 'common/version.o')));
    }
    const { status, document } = await diff('mixed/before', 'mixed/after', ...xen);
    expect({ status, verdict: document.verdict }).toEqual({ status: 0, verdict: 'built' });
    expect(document.remarks).toContainEqual({
      rule: 'object-foreign',
      severity: 'note',
      message: expect.stringContaining('built for another machine than the hypervisor') as string,
      where: { file: 'boot/reloc.o' },
    });
  });
});

describe('arm64', () => {
  it('is compared and linked with its own tools', async () => {
    const arch: XenArch = 'arm64';
    write('arm/before.o', compileMiniature(arch, 'common/version.c'));
    write('arm/after.o', compileMiniature(arch, 'common/version.c', VERSION_EDIT));
    const host = ['--xen', examplePath('arm64/miniature-xen')];
    const { status, document } = await diff('arm/before.o', 'arm/after.o', ...host, '--link', '-o', 'arm.livepatch');
    expect({ status, refusals: document.refusals }).toEqual({ status: 0, refusals: [] });
    expect(document.verified).not.toBeNull();
    expect(await xsplice('rehearse', 'arm.livepatch', ...host)).toMatchObject({ status: 0 });
  });
});

describe('a wrong command line', () => {
  const two = ['before/common/version.o', 'after/common/version.o'];
  it.each([
    ['no hypervisor', two, 'missing --xen XEN-SYMS'],
    ['one object', [two[0] ?? '', ...xen], "missing required argument 'patched'"],
    ['a file that is not there', ['nosuch.o', 'nosuch.o', ...xen], 'nosuch.o: no such file'],
    ['--depends without --link', [...two, ...xen, '--depends', 'ab'], '--depends needs --link'],
    ['--debug-file without --link', [...two, ...xen, '--debug-file', 'd'], '--debug-file needs --link'],
    [
      'one file for both',
      [...two, ...xen, '--link', '-o', 'x', '--debug-file', './x'],
      '--output and --debug-file are both',
    ],
    ['--keep without --link', [...two, ...xen, '--keep'], '--keep needs --link'],
    ['an id that is none', [...two, ...xen, '--link', '--depends', 'xyz'], 'Expected a build-id'],
    ['an id that is too long', [...two, ...xen, '--link', '--depends', 'ab'.repeat(65)], 'Expected a build-id'],
    ['a name that is too long', [...two, ...xen, '--name', 'n'.repeat(128)], 'invalid payload name'],
    ['a name that is a path', [...two, ...xen, '--name', '../x'], 'invalid payload name "../x"'],
    ['an unknown rule', [...two, ...xen, '--link', '--rule', 'nosuch=off'], 'nosuch'],
    ['an output that is an input', [...two, ...xen, '-o', two[1] ?? ''], 'would overwrite the input'],
    ['an output without a folder', [...two, ...xen, '-o', 'no/such'], 'its directory does not exist'],
    ['a linker that is not there', [...two, ...xen, '--link', '--ld', 'no-ld'], 'no-ld is not installed'],
    ['an unknown release', [...two, ...xen, '--release', '9.9'], 'unknown release 9.9'],
  ])('with %s ends with status 2 and says so', async (_what, argv, message) => {
    const { status, stdout, stderr } = await xsplice('diff', ...argv);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^xsplice: error: /);
  });
});

describe('completion', () => {
  it('knows the command, and that it takes files', async () => {
    const { stdout } = await runWithDocuments(['completion', 'bash']);
    expect(stdout).toMatch(/^ +diff\) flags='[^']*--link[^']*'; words=''; files=1 ;;$/m);
    expect(stdout).toMatch(/'diff -o'\|'diff --output'\) return/);
  });
});
