import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loaderFolders } from '../../src/targets/host/libraries.ts';
import {
  adviceFor,
  type HostOptions,
  HostTarget,
  installedLibraries,
  openHost,
  withHost,
} from '../../src/targets/index.ts';
import { fakeLibrary } from './support/fake-library.ts';
import { failureOf, temporaryFolder } from './support.ts';

const temporary = temporaryFolder();
const device = join(temporary, 'privcmd');
writeFileSync(device, '');

/** Makes a folder with these libraries, and the rest of a host. */
function host(libraries: readonly (readonly [minor: number, ...defines: string[]])[], runs?: number): HostOptions {
  const folder = mkdtempSync(join(temporary, 'lib-'));
  for (const [minor, ...defines] of libraries) fakeLibrary(folder, minor, defines);
  const versionFolder = join(folder, 'version');
  mkdirSync(versionFolder);
  if (runs !== undefined) writeFileSync(join(versionFolder, 'minor'), `${runs}\n`);
  return { device, folders: [folder], versionFolder };
}

const PAYLOAD = new Uint8Array([0x7f, 1, 2, 0xee]);

describe.each([13, 17, 19])('libxenctrl of 4.%i', (minor) => {
  const options = host([[minor]]);
  const metadata = minor < 14 ? new Uint8Array() : new Uint8Array([97, 0, 98, 0]);

  it('is called with the arguments of its release', async () => {
    await withHost(options, async (target) => {
      expect(target).toBeInstanceOf(HostTarget);
      expect(target.minor).toBe(minor);
      expect(await target.takeConsole()).toEqual([]);
      expect(await target.list({ idx: 0, nr: 0 })).toMatchObject({ rc: 0, nr: 0, entries: [] });
      expect(await target.list({ idx: 0, nr: 5 })).toMatchObject({ rc: 0, nr: 0, entries: [] });
      await target.takeConsole();

      expect(await target.upload('a\xe9', PAYLOAD)).toMatchObject({ rc: 0 });
      expect(await target.upload('a\xe9', PAYLOAD)).toMatchObject({ rc: -17 });
      const forced = minor < 19 ? -1 : 0;
      const line = `upload a\xe9 4 7f..ee force ${forced}`;
      expect(await target.takeConsole()).toEqual([line, line]);
      expect(await target.get('a\xe9')).toEqual({ kind: 'found', rc: 0, state: 1, statusRc: 0 });
      expect(await target.get('b')).toEqual({ kind: 'refused', rc: -2 });
      expect(await target.upload('x'.repeat(128), PAYLOAD)).toMatchObject({ rc: -22 });

      const flags = minor < 14 ? [] : [1];
      expect(await target.action('a\xe9', 'apply', { timeout: 30_000_000, flags: flags[0] ?? 0 })).toMatchObject({
        rc: 0,
      });
      expect(await target.get('a\xe9')).toEqual({ kind: 'found', rc: 0, state: 2, statusRc: 0 });
      expect(await target.action('nothing', 'revert')).toMatchObject({ rc: -2 });
      const zero = minor < 14 ? '' : ' 0';
      expect(await target.takeConsole()).toEqual([
        ['apply a\xe9 30000000', ...flags].join(' '),
        `revert nothing 0${zero}`,
      ]);
      expect(await target.upload('hook', PAYLOAD)).toMatchObject({ rc: 0 });
      expect(await target.action('hook', 'replace')).toMatchObject({ rc: 0 });
      expect(await target.get('hook')).toEqual({ kind: 'found', rc: 0, state: 1, statusRc: -34 });
      expect(await target.list({ idx: 0, nr: 8 })).toMatchObject({
        rc: 2,
        nr: 0,
        entries: [
          { name: 'a\xe9', state: 2, rc: 0, metadata },
          { name: 'hook', state: 1, rc: -34, metadata },
        ],
      });
      expect(await target.list({ idx: 1, nr: 1 })).toMatchObject({ rc: 1, nr: 0, entries: [{ name: 'hook' }] });
      expect(await target.list({ idx: 0, nr: 1 })).toMatchObject({ rc: 1, nr: 1, entries: [{ name: 'a\xe9' }] });
      expect(await target.list({ idx: 9, nr: 1 })).toMatchObject({ rc: -22, entries: [] });
      expect(await target.list({ idx: 0, nr: 0 })).toMatchObject({ rc: 0, nr: 2, entries: [] });
      expect(await target.action('a\xe9', 'unload')).toMatchObject({ rc: 0 });
      expect(await target.action('hook', 'unload')).toMatchObject({ rc: 0 });

      expect(await target.version()).toBe(`4.${minor}.9-fake`);
      expect(await target.buildId()).toBe('000d1a2734414e5b6875828f9ca9b6c3d0ddeaf7');
      await target.takeConsole();
      expect(await target.dump()).toMatchObject({ rc: 0 });
      expect(await target.takeConsole()).toEqual(["'x' pressed - Dumping all livepatch patches"]);
      expect(await target.panic()).toBeNull();
    });
  });

  it('rejects features that it lacks', async () => {
    await withHost(options, async (target) => {
      expect(await target.upload('f', PAYLOAD, 1)).toMatchObject({ rc: minor < 19 ? -22 : 0 });
      expect(await target.upload('g', PAYLOAD, 2)).toMatchObject({ rc: -22 });
      expect(await target.takeConsole()).toEqual(minor < 19 ? [] : ['upload f 4 7f..ee force 1']);
      if (minor < 14) expect(await target.action('f', 'apply', { flags: 1 })).toMatchObject({ rc: -22 });
    });
  });

  it('is always closed, and only once', async () => {
    const failure = new Error('of the work');
    let held: HostTarget | undefined;
    const work = withHost(options, async (target) => {
      held = target;
      throw failure;
    });
    await expect(work).rejects.toBe(failure);
    await held?.close();
    await expect(held?.get('a')).rejects.toMatchObject({ code: 'EHOST' });
    expect(await held?.takeConsole()).toEqual([]);
    const next = await openHost(options);
    await next.takeConsole();
    await next.close();
  });
});

describe('the library', () => {
  it('is the newest that the hypervisor understands', async () => {
    const options = host([[17], [16, 'REFUSE=EACCES'], [20, 'REFUSE=EACCES'], [18, 'REFUSE=EACCES']]);
    expect(installedLibraries(options).map(({ minor }) => minor)).toEqual([20, 18, 17, 16]);
    await withHost(options, async (target) => expect(target.minor).toBe(17));
  });

  it('is the newest if the hypervisor understands none, and its errno is reported', async () => {
    const options = host([
      [17, 'REFUSE=EACCES'],
      [18, 'REFUSE=EACCES'],
    ]);
    await withHost(options, async (target) => {
      expect(target.minor).toBe(18);
      expect(await target.get('x')).toMatchObject({ rc: -13 });
      expect(await target.list({ idx: 0, nr: 3 })).toMatchObject({ rc: -13, entries: [] });
    });
  });

  it('is another one if the first cannot be loaded', async () => {
    const options = host([[17]]);
    writeFileSync(join(options.folders?.[0] ?? '', 'libxenctrl.so.4.18'), 'no library');
    await withHost(options, async (target) => expect(target.minor).toBe(17));
  });

  it('is used without the console if that may not be read', async () => {
    await withHost(host([[17, 'NO_RING']]), async (target) => {
      expect(await target.upload('a', PAYLOAD)).toMatchObject({ rc: 0 });
      expect(await target.takeConsole()).toEqual([]);
    });
  });

  it('is searched like the loader does, LD_LIBRARY_PATH first', () => {
    const folders = loaderFolders({ LD_LIBRARY_PATH: '/nowhere/a:/nowhere/b' });
    expect(folders.slice(0, 2)).toEqual(['/nowhere/a', '/nowhere/b']);
    expect(folders).toContain('/usr/lib');
    expect(installedLibraries({ folders: ['/nowhere/a', temporary] })).toEqual([]);
  });
});

describe('a machine that is not a usable host', () => {
  const messages = new Set<string>();
  const failure = async (options: HostOptions) => {
    const error = await failureOf(openHost(options));
    messages.add(error.message);
    return error;
  };

  it('is diagnosed: not dom0', async () => {
    const options = { ...host([[17]]), device: join(temporary, 'nothing') };
    expect(await failure(options)).toMatchObject({
      code: 'EHOST',
      message: `not the control domain of a Xen host: ${options.device} does not exist`,
      hint: expect.stringContaining('modprobe xen-privcmd'),
    });
  });

  it('is diagnosed: no library', async () => {
    expect(await failure(host([], 18))).toMatchObject({
      code: 'ETOOL',
      message: 'libxenctrl is not installed',
      hint: expect.stringContaining('apt-get install libxenmisc4.18.'),
    });
    expect((await failureOf(openHost(host([])))).hint).toContain('libxenmisc4.NN, where 4.NN is the running release');
  });

  it('is diagnosed: an invalid library', async () => {
    const options = host([]);
    writeFileSync(join(options.folders?.[0] ?? '', 'libxenctrl.so.4.17'), 'no library');
    expect(await failure(options)).toMatchObject({ code: 'ETOOL', message: expect.stringContaining('cannot use ') });
  });

  it('is diagnosed: the hypervisor cannot be reached', async () => {
    expect(await failure(host([[17, 'NO_OPEN=ENXIO']]))).toMatchObject({
      code: 'EHOST',
      message: 'cannot connect to the hypervisor: xc_interface_open failed with errno 6',
    });
  });

  it('has an explanation for each errno of its own', () => {
    const library = { path: '/lib/libxenctrl.so.4.17', minor: 17 };
    const { versionFolder = '' } = host([], 18);
    expect(adviceFor(38, library)).toContain('no live patching');
    expect(adviceFor(1, library)).toContain('use dom0');
    expect(adviceFor(13, library, { versionFolder })).toMatch(
      /^wrong library: .*4\.17 is for Xen 4\.17, but Xen 4\.18 runs here\. .*libxenmisc4\.18\./,
    );
    expect(adviceFor(13, { ...library, minor: 18 }, { versionFolder })).toContain('XSM');
    expect(adviceFor(22, library)).toBeUndefined();
    expect(messages.size).toBe(4);
  });
});
