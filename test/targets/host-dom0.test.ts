import { beforeAll, describe, expect, it } from 'vitest';
import { fromLatin1, hex, latin1 } from '../../src/base/index.ts';
import { findBuildId, isProblem, readElf } from '../../src/elf/index.ts';
import { buildPayload } from '../e2e/payload.ts';
import { XenSyms } from '../e2e/xen-syms.ts';
import { debianXen } from '../support/debian-xen.ts';
import {
  type Dom0Command,
  type Dom0Result,
  KOFFI,
  LIBRARIES,
  libxenctrl,
  PRIVCMD_MODULE,
  runInDom0,
  XEN_LIVEPATCH,
  XSPLICE,
} from './support/dom0.ts';

const { xenSyms, buildId, version } = debianXen();
const { size } = new XenSyms(xenSyms).symbol('xen_extra_version');

/** Makes a payload whose xen_extra_version returns `text`; `more` is further C. */
const payload = (text: string, depends: string = buildId, xenDepends: string = buildId, more = ''): Uint8Array =>
  buildPayload({
    c: `
      static const char *lp_extra_${text}(void) { return "-${text}"; }
      FUNC lp_func_${text} = { "xen_extra_version", lp_extra_${text}, 0, 8, ${size}, 2 };
      ${more}`,
    depends,
    xenDepends,
  });

function buildIdOf(bytes: Uint8Array): string {
  const elf = readElf(bytes);
  if (isProblem(elf)) throw new Error(elf.message);
  return hex(findBuildId(elf) ?? new Uint8Array());
}

const METADATA = 'const char lp_info[] __attribute__((section(".modinfo"), used)) = "author=me\\0desc=a test";';
const good = payload('good', buildId, buildId, METADATA);
const FILES = {
  'good.lp': good,
  'stack.lp': payload('stack', buildIdOf(good)),
  'repl.lp': payload('repl'),
  'data.v1.lp': payload('data', buildId, buildId, 'int lp_counter = 7;'),
  'wrong.lp': payload('wrong', buildId, '00'.repeat(20)),
  'empty.lp': new Uint8Array(),
};
/** XEN_SYSCTL_INTERFACE_VERSION of 4.17, and one that this hypervisor does not support. */
const INTERFACE = '\x15\0\0\0';
const OTHER_INTERFACE = '\x16\0\0\0';

/**
 * Turns the library into one of another release: wherever it stores the interface version, directly (`movl $0x15, n(%rsp)`)
 * or together with the sysctl's number, it stores another one.
 */
function ofAnotherRelease(library: Uint8Array): Uint8Array {
  const stores = new RegExp(`(\\xc7\\x44\\x24[^]|\\xc7\\x84\\x24[^]{4}|\\x1b\\0\\0\\0)${INTERFACE}`, 'g');
  return fromLatin1(latin1(library).replace(stores, `$1${OTHER_INTERFACE}`));
}

const NAME_127 = 'n'.repeat(127);

/** Commands for both tools, in this order; each leaves the hypervisor as it was. */
const LINES: readonly string[] = [
  'list',
  'upload good good.lp',
  'upload good good.lp',
  'upload again good.lp',
  'upload wrong wrong.lp',
  'upload x nosuch.lp',
  'upload x empty.lp',
  'upload x .',
  `upload ${'n'.repeat(129)} good.lp`,
  'list',
  'apply good --bogus',
  'apply good',
  'apply good',
  'unload good',
  'load stack.lp',
  'revert good',
  'list',
  'upload repl repl.lp',
  'replace repl',
  'l',
  'revert repl',
  'revert repl',
  'un repl',
  'unload good',
  'unload stack',
  'load stack.lp --nodeps',
  'revert stack',
  'unload stack',
  // Its dependency is no longer loaded.
  'load stack.lp',
  'apply nosuch',
  'load data.v1.lp',
  'revert data.v1',
  'apply data.v1',
  'list',
  'unload data.v1',
  `upload ${NAME_127} good.lp`,
  'list',
  `unload ${NAME_127}`,
];
const UNKNOWN = ['frobnicate', '--force list'];
const HELPS = ['', 'help', 'list x', 'upload x', 'apply', 'load'];
const COMMON = [...LINES, ...UNKNOWN, ...HELPS];

const words = (line: string): string[] => (line === '' ? [] : line.split(' '));
const host = (line: string, more: Omit<Dom0Command, 'run'> = {}): Dom0Command => ({
  ...more,
  run: [...XSPLICE, 'host', ...words(line)],
});

/** Commands for xsplice alone: a label, and the command. */
const OWN: Readonly<Record<string, Dom0Command>> = {
  'no dom0': host('list'),
  'not root': host('list', { insmod: PRIVCMD_MODULE, uid: 65534 }),
  'no koffi': host('list', { hide: KOFFI }),
  'no library': host('list', { hide: `${LIBRARIES}/libxenctrl.so.4.17` }),
  'a library without its own': host('list', { hide: `${LIBRARIES}/libxencall.so.1` }),
  'a newer library beside it': host('list', { env: { LD_LIBRARY_PATH: '/t' } }),
  'another release': host('list', { env: { LD_LIBRARY_PATH: '/t' }, hide: `${LIBRARIES}/libxenctrl.so.4.17` }),
  'refused json': host('upload wrong wrong.lp --json'),
  'load json': host('--json load good.lp'),
  'list json': host('list --json'),
  inspect: host('inspect'),
  'inspect json': host('inspect --json'),
  revert: host('revert good'),
  unload: host('unload good --json'),
};

const PATIENCE_MS = 400_000;

const own: Record<string, Dom0Result> = {};
let theirs: Dom0Result[] = [];
let ours: Dom0Result[] = [];

// One boot for all: a fresh machine fetches packages first.
beforeAll(async () => {
  const commands = [
    ...Object.values(OWN),
    ...COMMON.map((line) => ({ run: [XEN_LIVEPATCH, ...words(line)] })),
    ...COMMON.map((line) => host(line)),
  ];
  const files = { ...FILES, 'libxenctrl.so.4.18': ofAnotherRelease(await libxenctrl()) };
  const results = await runInDom0(commands, files, PATIENCE_MS - 60_000);
  Object.keys(OWN).forEach((label, i) => {
    own[label] = results[i] as Dom0Result;
  });
  const at = Object.keys(OWN).length;
  theirs = results.slice(at, at + COMMON.length);
  ours = results.slice(at + COMMON.length);
}, PATIENCE_MS);

const result = (results: readonly Dom0Result[], line: string, nth = 0): Dom0Result => {
  const indices = COMMON.flatMap((each, i) => (each === line ? [i] : []));
  return results[indices[nth] ?? -1] as Dom0Result;
};
const json = (label: string): unknown => JSON.parse(own[label]?.stdout ?? '');

/** Returns standard error without xsplice's additions: the hypervisor's lines, and its own. */
const toolsOwn = (stderr: string): string => stderr.replace(/^(?:\(XEN\)|xsplice:) .*\n/gm, '');

describe('the built package in dom0 of a real Xen', () => {
  it.each([...LINES, ...UNKNOWN].map((line, i) => [line.replace(/n{9,}/, 'n…'), i] as const))(
    'prints, does and returns what xen-livepatch does: %s',
    (_line, i) => {
      const [theirResult, ourResult] = [theirs[i] as Dom0Result, ours[i] as Dom0Result];
      const seen = ({ status, stdout, stderr, extra }: Dom0Result) => ({ status, stdout, stderr, extra });
      expect({ ...seen(ourResult), stderr: toolsOwn(ourResult.stderr) }).toEqual(seen(theirResult));
      expect(ourResult.stderr.startsWith(theirResult.stderr)).toBe(true);
    },
  );

  it('prints its own help where xen-livepatch does, with the same status', () => {
    for (const line of HELPS) {
      const [theirResult, ourResult] = [result(theirs, line), result(ours, line)];
      expect([line, ourResult.status, ourResult.stdout]).toEqual([line, theirResult.status, theirResult.stdout]);
      expect(theirResult.stderr).toContain('Usage: xen-livepatch');
      expect(ourResult.stderr).toContain('Usage: xsplice host');
    }
  });

  it('covers everything that these commands are meant to cover', () => {
    const extra = version.replace(/^\d+\.\d+/, '');
    const extras = (line: string, nth = 0) => result(ours, line, nth).extra;
    expect([extras('list'), extras('apply good'), extras('load stack.lp')]).toEqual([extra, '-good', '-stack']);
    expect([extras('replace repl'), extras('revert repl'), extras('load stack.lp --nodeps')]).toEqual([
      '-repl',
      extra,
      '-stack',
    ]);
    const statuses = (line: string, nth = 0) => result(theirs, line, nth).status;
    expect([statuses('revert good'), statuses('apply data.v1'), statuses('load stack.lp', 1)]).toEqual([2, 1, 1]);
    expect(result(theirs, 'list', 3).stdout).toContain('CHECKED (22, Invalid argument)');
    expect(result(theirs, 'list', 1).stdout).toContain('| CHECKED    | author=me;desc=a test\n');
  });

  it('adds the hypervisor’s own lines to a refusal', () => {
    expect(result(ours, 'upload wrong wrong.lp').stderr).toBe(
      'Error 22: Invalid argument\n(XEN) livepatch: wrong: check against hypervisor build-id failed\n',
    );
    expect(result(ours, 'revert good').stderr).toContain("\n(XEN) livepatch: good: can't unload. Top is stack\n");
    expect(result(ours, 'apply data.v1').stderr).toContain(
      "(XEN) livepatch: data.v1: can't revert as payload has .data. Please unload\n",
    );
    expect(result(ours, 'apply good').stderr).toBe('');
  });

  it('explains each reason why there is no host', () => {
    const told = (label: string, pattern: RegExp): void => {
      expect([label, own[label]?.status, own[label]?.stdout]).toEqual([label, 1, '']);
      expect(own[label]?.stderr).toMatch(pattern);
    };
    told(
      'no dom0',
      /^xsplice: error: not the control domain .* \/dev\/xen\/privcmd does not exist\nxsplice: .*modprobe/,
    );
    told(
      'not root',
      /^xsplice: error: permission denied for \/dev\/xen\/privcmd: only root .*\nxsplice: Use sudo\.\n$/,
    );
    told(
      'no koffi',
      /^xsplice: error: the npm package koffi, .*is not installed\nxsplice: .*npm install koffi@3\.3\.4\n$/,
    );
    told('no library', /^xsplice: error: libxenctrl is not installed\nxsplice: .*apt-get install libxenmisc4\.17\./);
    told('a library without its own', /^xsplice: error: cannot use .*libxenctrl\.so\.4\.17: .*libxencall\.so\.1/);
  });

  it('picks the library that the hypervisor understands, and reports if there is none', () => {
    expect(own['a newer library beside it']).toMatchObject({ status: 0, stdout: 'Nothing to list\n', stderr: '' });
    expect(own['another release']).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /^Failed to get list sizes\.\nError 13: Permission denied\nxsplice: wrong library: \/t\/libxenctrl\.so\.4\.18 is for Xen 4\.18, but Xen 4\.17 runs here\. .*install libxenmisc4\.17/,
      ),
    });
  });

  it('prints documents', () => {
    const hypervisor = { version, buildId };
    expect(own['refused json']).toMatchObject({ status: 1, stderr: '' });
    expect(json('refused json')).toEqual({
      format: 'xsplice-host/1',
      command: 'upload',
      verdict: 'refused',
      hypervisor,
      steps: [{ step: 'upload', name: 'wrong', rc: -22, errno: 'EINVAL', state: null }],
      payloads: null,
      dump: null,
      messages: { stdout: ['Uploading wrong.lp... failed'], stderr: ['Error 22: Invalid argument'] },
      advice: [],
      console: ['livepatch: wrong: check against hypervisor build-id failed'],
    });
    expect(json('load json')).toMatchObject({
      verdict: 'done',
      steps: [
        { step: 'upload', rc: 0, state: 'CHECKED' },
        { step: 'apply', rc: 0, state: 'APPLIED' },
      ],
      console: expect.arrayContaining(['livepatch: good finished APPLY with rc=0']),
    });
    const metadata = ['author=me', 'desc=a test'];
    const payloads = [{ name: 'good', state: 'APPLIED', rc: 0, errno: null, metadata }];
    // The patch replaces the function that returns the last part of the version.
    const patched = { version: version.replace(/\.\d+$/, '-good'), buildId };
    expect(json('list json')).toMatchObject({ verdict: 'done', hypervisor: patched, payloads });
    expect(json('unload')).toMatchObject({ verdict: 'done', steps: [{ step: 'unload', rc: 0, state: null }] });
  });

  it('reports what is loaded', () => {
    const { status, stdout = '' } = own['inspect'] ?? {};
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Xen {7}4\\.17-good\nbuild-id {2}${buildId}\n\n ID `));
    expect(stdout).toContain(
      `\n\n'x' pressed - Dumping all livepatch patches\nbuild-id: ${buildId}\n name=good state=APPLIED`,
    );
    expect(json('inspect json')).toMatchObject({
      dump: expect.arrayContaining([`build-id=${buildIdOf(good)}`]),
      payloads: [{ name: 'good', state: 'APPLIED' }],
    });
  });
});
