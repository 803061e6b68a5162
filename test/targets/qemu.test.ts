import { readdirSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hex } from '../../src/base/index.ts';
import { prepareQemu, type QemuHosts, type QemuTarget } from '../../src/targets/index.ts';
import { listUninterrupted } from '../../src/xen/index.ts';
import { buildPayload } from '../e2e/payload.ts';
import { jump, XenSyms } from '../e2e/xen-syms.ts';
import { answered } from '../support/answers.ts';
import { debianXen } from '../support/debian-xen.ts';
import { processesWith, temporaryFolder } from './support.ts';

const { xenSyms, buildId, version } = debianXen();
const xen = new XenSyms(xenSyms);
const extraVersion = xen.symbol('xen_extra_version');
const PAGE = 0x1000n;
/** VMAP_XEN starts at the image's end, rounded up to a page, and its own bitmap occupies the first pages. */
const firstPlace = ((xen.symbol('__2M_rwdata_end').address + PAGE - 1n) / PAGE) * PAGE + 9n * PAGE;
const address = (value: bigint): string => value.toString(16).padStart(16, '0');

const temporary = temporaryFolder();
const env = { ...process.env, TMPDIR: temporary };

/** Makes a payload whose xen_extra_version returns `text`. */
const payload = (text: string, ids: { xenDepends?: string; metadata?: string } = {}): Uint8Array =>
  buildPayload({
    c: `
      static const char *lp_extra_${text}(void) { return "-${text}"; }
      FUNC lp_func_${text} = { "xen_extra_version", lp_extra_${text}, 0, 8, ${extraVersion.size}, 2 };
      ${ids.metadata === undefined ? '' : `const char lp_info_${text}[] __attribute__((section(".modinfo"), used)) = "${ids.metadata}";`}`,
    depends: buildId,
    xenDepends: ids.xenDepends ?? buildId,
  });

let hosts: QemuHosts;
let host: QemuTarget | undefined;

const started = async (): Promise<QemuTarget> => {
  host = await hosts.start();
  return host;
};

// On a fresh machine: 75 MB of packages, and a boot.
beforeAll(async () => {
  hosts = await prepareQemu({ env });
}, 400_000);

afterEach(async () => {
  await host?.close();
  host = undefined;
  expect(processesWith(temporary)).toEqual([]);
  expect(readdirSync(temporary)).toEqual([]);
});

describe('a host in QEMU', () => {
  it('reports its version and build-id', async () => {
    const target = await started();
    expect(target.host).toMatchObject({ version, buildId, xenSyms, cpu: 'max,-smap', smp: 1, memory: 512 });
    expect(target.host.release.release.version).toBe(version);
    expect(await target.versionString('extra')).toBe(version.replace(/^\d+\.\d+/, ''));
    expect(await target.takeConsole()).toEqual([]);
  });

  it('takes a payload through its whole life', async () => {
    const start = performance.now();
    const target = await started();
    const code = async () => hex((await target.peek(extraVersion.address, 5)) ?? new Uint8Array());
    const original = await code();
    expect(original).toBe(xen.bytes(extraVersion.address, 5));

    expect(await target.upload('extra', payload('patched'))).toMatchObject({ rc: 0 });
    expect(await target.takeConsole()).toEqual([]);
    expect(await target.get('extra')).toEqual({ kind: 'found', rc: 0, state: 1, statusRc: 0 });

    expect(await target.action('extra', 'apply')).toMatchObject({ rc: 0 });
    expect(await target.get('extra')).toEqual({ kind: 'found', rc: 0, state: 2, statusRc: 0 });
    expect(await target.takeConsole()).toEqual([
      'livepatch: extra: Verifying enabled expectations for all functions',
      'livepatch: extra: Applying 1 functions',
      'livepatch: extra finished APPLY with rc=0',
    ]);
    expect(await target.versionString('extra')).toBe('-patched');
    expect(await code()).toBe(jump(extraVersion.address, firstPlace));

    await target.dump();
    const dump = await target.takeConsole();
    expect(dump[0]).toBe("'x' pressed - Dumping all livepatch patches");
    expect(dump[1]).toBe(`build-id: ${buildId}`);
    expect(dump[2]).toMatch(new RegExp(`^ name=extra state=APPLIED\\(2\\) ${address(firstPlace)} \\(.data=`));
    const old = `${address(extraVersion.address)}(${extraVersion.size})`;
    expect(dump[3]).toBe(`    xen_extra_version patch ${old} with ${address(firstPlace)} (8)`);

    expect(await target.action('extra', 'unload')).toMatchObject({ rc: -22 });
    expect(await target.action('extra', 'revert')).toMatchObject({ rc: 0 });
    expect(await target.versionString('extra')).toBe(version.replace(/^\d+\.\d+/, ''));
    expect(await code()).toBe(original);
    expect(await target.action('extra', 'unload')).toMatchObject({ rc: 0 });
    expect(await target.get('extra')).toEqual({ kind: 'refused', rc: -2 });
    expect(await target.panic()).toBeNull();
    await target.close();
    const seconds = (performance.now() - start) / 1000;
    expect(seconds, 'a rehearsal from the restore to the end').toBeLessThan(6);
  });

  it('returns the hypervisor’s refusals and their console lines', async () => {
    const target = await started();
    expect(await target.upload('other', payload('other', { xenDepends: '00'.repeat(20) }))).toMatchObject({ rc: -22 });
    expect(await target.takeConsole()).toEqual(['livepatch: other: check against hypervisor build-id failed']);
    expect(await target.get('other')).toEqual({ kind: 'refused', rc: -2 });
    expect(await target.upload('x'.repeat(128), payload('long'))).toMatchObject({ rc: -22 });
    expect(await target.upload('large', new Uint8Array(3 << 20))).toMatchObject({ rc: -22 });
    expect(await target.action('nothing', 'apply')).toMatchObject({ rc: -2 });
    expect(await target.upload('flags', payload('flags'), 1)).toMatchObject({ rc: -22 });
    expect(await target.takeConsole()).toEqual([]);
    // An address that no page table has.
    expect(await target.peek(0xffff_8000_0000_0000n - 4096n, 16)).toBeNull();
  });

  it('lists page by page', async () => {
    const target = await started();
    const empty = await target.list({ idx: 0, nr: 4 });
    expect(empty).toMatchObject({ rc: 0, nr: 0, entries: [] });
    for (const name of ['first', 'second', 'third']) {
      expect(await target.upload(name, payload(name, { metadata: `name=${name}` }))).toMatchObject({ rc: 0 });
    }
    await target.action('first', 'apply');
    const sizes = await target.list({ idx: 0, nr: 0 });
    const metadata = (text: string) => new Uint8Array(Buffer.from(`name=${text}\0`, 'latin1'));
    expect(sizes).toMatchObject({ nr: 3, entries: [], nameTotalSize: 6 + 7 + 6, metadataTotalSize: 11 + 12 + 11 });
    const page = answered(await listUninterrupted(target, { idx: 0, nr: 2 }));
    expect(page).toMatchObject({ rc: 2, nr: 1 });
    expect(page.entries).toEqual([
      { name: 'first', state: 2, rc: 0, metadata: metadata('first') },
      { name: 'second', state: 1, rc: 0, metadata: metadata('second') },
    ]);
    const rest = answered(await listUninterrupted(target, { idx: 2, nr: 2 }));
    expect(rest).toMatchObject({ rc: 1, nr: 0, version: page.version });
    expect(rest.entries).toEqual([{ name: 'third', state: 1, rc: 0, metadata: metadata('third') }]);
    expect(await target.list({ idx: 0, nr: 1025 })).toMatchObject({ rc: -7, entries: [] });
  });

  it('returns the panic of a host that dies, and the lines before it', async () => {
    const target = await started();
    expect(await target.upload('good', payload('good'))).toMatchObject({ rc: 0 });
    expect(await target.action('good', 'apply')).toMatchObject({ rc: 0 });
    const broken = payload('broken');
    const view = new DataView(broken.buffer, broken.byteOffset, broken.byteLength);
    const sections = Number(view.getBigUint64(40, true));
    for (let i = 0; i < view.getUint16(60, true); i++) {
      // With sh_type SHT_SYMTAB, sh_link no longer names a string table.
      if (view.getUint32(sections + 64 * i + 4, true) === 2) view.setUint32(sections + 64 * i + 40, 0, true);
    }
    expect(await target.upload('broken', broken)).toEqual({ kind: 'no-answer' });
    const panic = await target.panic();
    expect(panic).toMatchObject({ message: 'FATAL PAGE FAULT', errorCode: 0 });
    // The banner calls xen_extra_version, which is patched.
    expect(panic?.screen[0]).toMatch(/^----\[ Xen-4\.17-good /);
    expect(panic?.screen).toContain(`Faulting linear address: ${address(panic?.address ?? -1n)}`);
    expect(panic?.screen.at(-1)).toBe('Reboot in five seconds...');
    expect(await target.takeConsole()).toEqual([
      'livepatch: good: Verifying enabled expectations for all functions',
      'livepatch: good: Applying 1 functions',
      'livepatch: good finished APPLY with rc=0',
    ]);
    expect(await target.takeConsole()).toEqual([]);
    await expect(target.get('good')).rejects.toMatchObject({ code: 'EHOST' });
  });

  it('treats a hanging host as dead', async () => {
    const target = await prepareQemu({ env, callTimeout: 2000 }).then((impatient) => impatient.start());
    host = target;
    const c = `
      static const char *lp_loop(void) { for (;;) __asm__ volatile("pause"); }
      FUNC lp_func_loop = { "xen_extra_version", lp_loop, 0, 8, ${extraVersion.size}, 2 };`;
    expect(await target.upload('loop', buildPayload({ c, depends: buildId, xenDepends: buildId }))).toMatchObject({
      rc: 0,
    });
    expect(await target.action('loop', 'apply')).toMatchObject({ rc: 0 });
    expect(await target.versionString('extra')).toBeNull();
    expect(await target.panic()).toEqual({
      message: 'no answer: the host was silent for 2 seconds',
      errorCode: null,
      address: null,
      screen: [],
    });
    expect(await target.takeConsole()).toHaveLength(3);
  });

  it('starts in its state after boot each time', async () => {
    const first = await started();
    expect(await first.upload('extra', payload('patched'))).toMatchObject({ rc: 0 });
    await first.close();
    const second = await started();
    expect(await second.list({ idx: 0, nr: 1 })).toMatchObject({ rc: 0, entries: [] });
    await expect(first.get('extra')).rejects.toMatchObject({ code: 'EHOST' });
  });
});
