import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { cacheFolder } from '../../src/system/index.ts';
import { prepareQemu, type QemuHosts, type QemuProgress, startQemu } from '../../src/targets/index.ts';
import { debianXen } from '../support/debian-xen.ts';
import { examplePath } from '../support/examples.ts';
import { eventually, failureOf, processesWith, runs, temporaryFolder } from './support.ts';

const { xen, xenSyms, buildId } = debianXen();
const folder = temporaryFolder();
const temporary = join(folder, 'temporary');
mkdirSync(temporary);
const env = { ...process.env, TMPDIR: temporary };

let hosts: QemuHosts;

beforeAll(async () => {
  hosts = await prepareQemu({ env });
}, 400_000);

// Whatever happened, nothing may be left.
afterEach(async () => {
  expect(await eventually(() => processesWith(temporary).length === 0, 2000)).toBe(true);
  expect(left()).toEqual([]);
});

/** Lists the temporary folder, without the cache of the TypeScript runner. */
const left = (): string[] => readdirSync(temporary).filter((name) => !name.startsWith('tsx-'));

/** Makes a cache with the packages of the real one, but without snapshots. */
function emptyCache(name: string): string {
  const cache = join(folder, name);
  mkdirSync(cache);
  return cache;
}

describe('the end of a host in QEMU', () => {
  it('leaves nothing when closed, even twice', async () => {
    const host = await hosts.start();
    const pid = host.pid ?? 0;
    expect(runs(pid)).toBe(true);
    // Not even while it runs.
    expect(left()).toEqual([]);
    await host.close();
    expect(runs(pid)).toBe(false);
    await host.close();
  });

  it('leaves nothing when the signal fires at any time', async () => {
    for (const delay of [0, 5, 60]) {
      const stop = new AbortController();
      setTimeout(() => stop.abort(), delay);
      const work = hosts.start({ signal: stop.signal }).then(async (host) => {
        for (;;) await host.get('nothing');
      });
      expect(await failureOf(work)).toMatchObject({ code: 'ETOOL', message: /^stopped/ });
      expect(await eventually(() => processesWith(temporary).length === 0, 2000)).toBe(true);
      expect(left()).toEqual([]);
    }
    const early = AbortSignal.abort();
    expect(await failureOf(hosts.start({ signal: early }))).toMatchObject({ code: 'ETOOL', message: /^stopped/ });
  });

  it('leaves nothing when this process is ended by a signal', async () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const program = fileURLToPath(new URL('qemu-child.ts', import.meta.url));
      const child = spawn(process.execPath, ['--import', 'tsx', program], {
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const pid = await new Promise<number>((resolve) => {
        child.stdout.once('data', (text: Buffer) => resolve(Number(text.toString())));
      });
      expect(runs(pid)).toBe(true);
      child.kill(signal);
      expect(await new Promise((resolve) => child.once('close', (_, by) => resolve(by)))).toBe(signal);
      expect(await eventually(() => !runs(pid), 2000)).toBe(true);
      expect(left()).toEqual([]);
    }
  });

  it('happens even if this process is killed', async () => {
    const program = fileURLToPath(new URL('qemu-child.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', program], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = await new Promise<number>((resolve) => {
      child.stdout.once('data', (text: Buffer) => resolve(Number(text.toString())));
    });
    child.kill('SIGKILL');
    expect(runs(pid)).toBe(true);
    expect(await eventually(() => !runs(pid), 20_000)).toBe(true);
  });

  it('reports the last console line when a boot takes too long', async () => {
    // No snapshot has this much memory.
    const failure = await failureOf(startQemu({ env, memory: 399, timeout: 4000 }));
    expect(failure).toMatchObject({ code: 'ETOOL', message: 'the host was not ready within 4 seconds' });
    expect(failure.hint).toContain("The console's last lines:");
    expect(failure.hint).toContain('(XEN) ');
    expect((failure.hint ?? '').length).toBeLessThan(5000);
  });

  it('reports the panic of a hypervisor that dies during boot', async () => {
    // Less memory than dom0's kernel needs.
    const failure = await failureOf(startQemu({ env, memory: 64, timeout: 60_000 }));
    expect(failure).toMatchObject({ code: 'ETOOL', message: 'the hypervisor panicked during boot' });
    expect(failure.hint).toContain('Panic on CPU 0:');
  });
});

describe('what is missing or wrong', () => {
  it('QEMU: names its package', async () => {
    const failure = await failureOf(startQemu({ env: { ...env, PATH: emptyCache('nothing') } }));
    expect(failure).toMatchObject({
      code: 'ETOOL',
      message: 'qemu-system-x86_64 is not installed, or not on PATH',
      hint: 'On Debian and Ubuntu: sudo apt-get install --no-install-recommends qemu-system-x86',
    });
  });

  it('apt-get: says what to do without it', async () => {
    const bin = emptyCache('bin');
    writeFileSync(join(bin, 'qemu-system-x86_64'), '#!/bin/sh\necho QEMU\n', { mode: 0o755 });
    const cache = emptyCache('without-apt');
    const failure = await failureOf(startQemu({ env: { ...env, PATH: bin, XSPLICE_CACHE: cache } }));
    expect(failure).toMatchObject({ code: 'ETOOL', message: 'apt-get is not installed, or not on PATH' });
    expect(failure.hint).toContain('Debian 12');
    expect(readdirSync(cache)).toEqual([]);
  });

  it('a download: quotes apt-get’s error', async () => {
    const bin = join(folder, 'bin');
    writeFileSync(join(bin, 'apt-get'), '#!/bin/sh\necho "E: Unable to fetch some archives" >&2\nexit 100\n', {
      mode: 0o755,
    });
    const cache = emptyCache('without-network');
    const failure = await failureOf(startQemu({ env: { ...env, PATH: `${bin}:/bin`, XSPLICE_CACHE: cache } }));
    expect(failure).toMatchObject({ code: 'ETOOL' });
    expect(failure.message).toContain('xen-hypervisor-4.17-amd64-dbg=4.17.7+13-g2445b30a44-0+deb12u1: ');
    expect(failure.message).toContain('E: Unable to fetch some archives');
    expect(failure.hint).toContain('main and security archives');
    expect(readdirSync(cache)).toEqual([]);
  });

  it('a cache that cannot be written', async () => {
    writeFileSync(join(folder, 'a-file'), '');
    const failure = await failureOf(startQemu({ env: { ...env, XSPLICE_CACHE: join(folder, 'a-file/cache') } }));
    expect(failure).toMatchObject({ code: 'EFILE' });
    expect(failure.hint).toContain('XSPLICE_CACHE');
  });

  it('a folder for temporary files that cannot be written', async () => {
    const failure = await failureOf(startQemu({ env: { ...env, TMPDIR: join(folder, 'nowhere') } }));
    expect(failure).toMatchObject({ code: 'EFILE' });
    expect(failure.hint).toContain('TMPDIR');
  });

  it('a processor that QEMU does not have', async () => {
    const failure = await failureOf(startQemu({ env, cpu: 'none-such' }));
    expect(failure).toMatchObject({ code: 'ETOOL' });
    expect(failure.message).toMatch(/^QEMU failed: .*none-such/);
  });
});

describe('a snapshot in the cache', () => {
  it('is remade if it cannot be restored', async () => {
    const cache = emptyCache('broken');
    const real = cacheFolder(env);
    for (const name of readdirSync(real).filter((name) => /^(debian|qemu)-/.test(name))) {
      cpSync(join(real, name), join(cache, name), { recursive: true });
    }
    const snapshots = readdirSync(cache).filter((name) => name.startsWith('qemu-snapshot-'));
    expect(snapshots).not.toEqual([]);
    for (const name of snapshots) {
      const file = join(cache, name, 'machine');
      writeFileSync(file, new Uint8Array(statSync(file).size));
    }
    const phases = new Set<string>();
    const progress = ({ phase }: QemuProgress): void => void phases.add(phase);
    const host = await startQemu({ env: { ...env, XSPLICE_CACHE: cache }, progress });
    expect(host.host).toMatchObject({ buildId });
    expect(await host.get('nothing')).toMatchObject({ rc: -2 });
    await host.close();
    expect([...phases]).toEqual(['restore', 'boot', 'save']);
    rmSync(cache, { recursive: true });
  }, 120_000);
});

describe('a hypervisor of the user’s own', () => {
  const own = (name: string, bytes: Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };

  it('replaces Debian’s, compressed or not', async () => {
    const xenImage = own('xen.gz', gzipSync(readFileSync(xen)));
    // The same bytes as Debian's, hence the same snapshot.
    const host = await startQemu({ env, xenImage, xenSyms });
    expect(host.host).toMatchObject({ buildId, xenSyms });
    await host.close();
    const withoutSyms = await startQemu({ env, xenImage });
    expect(withoutSyms.host).toMatchObject({ buildId, xenSyms: null });
    await withoutSyms.close();
  });

  it('must be of the same build as its xen-syms', async () => {
    const other = await failureOf(startQemu({ env, xenImage: xen, xenSyms: examplePath('miniature-xen') }));
    expect(other).toMatchObject({ code: 'EIMAGE' });
    expect(other.message).toContain(`are of different builds: build-ids ${buildId} and `);
    const debians = await failureOf(startQemu({ env, xenSyms: examplePath('miniature-xen') }));
    expect(debians.message).toContain("Debian's hypervisor and ");
  });

  it('must be bootable', async () => {
    const bad: [string, 'EIMAGE' | 'EFILE', RegExp][] = [
      [xenSyms, 'EIMAGE', /is not a Xen for x86-64: no multiboot header/],
      [
        own('text', new Uint8Array(Buffer.from('not at all'))),
        'EIMAGE',
        /is not a Xen for x86-64: no multiboot header/,
      ],
      [own('cut.gz', gzipSync(readFileSync(xen)).subarray(0, 1000)), 'EIMAGE', /cannot decompress/],
      [join(folder, 'not-there'), 'EFILE', /cannot read/],
    ];
    for (const [xenImage, code, message] of bad) {
      expect(await failureOf(startQemu({ env, xenImage })), xenImage).toMatchObject({ code, message });
    }
    expect(existsSync(xenSyms)).toBe(true);
  });
});
