import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hex } from '../../src/base/index.ts';
import { GuestArena, prepareQemu, type QemuHosts, type QemuTarget, startQemu } from '../../src/targets/index.ts';
import type { OpResult } from '../../src/xen/index.ts';
import { XenSyms } from '../e2e/xen-syms.ts';
import { debianXen } from '../support/debian-xen.ts';
import { type ArmArch, type SourceXen, xenFromSource } from '../support/source-xen.ts';
import { buildArmPayload } from './support/arm-payload.ts';
import { failureOf, processesWith, temporaryFolder } from './support.ts';

/** HYPERVISOR_domctl. Source: xen/include/public/xen.h. */
const HYPERVISOR_DOMCTL = 36;

/** LIVEPATCH_VMAP_START, and after its bitmap and a guard page the first payload. Source: asm-arm/config.h of 4.17. */
const FIRST_PLACE = 0xa0_2000n;

/** Differences: digits of an address, the branch that patching writes, and words of the panic screens. */
const KINDS = {
  arm64: {
    digits: 16,
    /** `B`: imm26 in words. Source: Arm Architecture Reference Manual, C6.2.26. */
    branch: (delta: number): number => 0x1400_0000 | ((delta >> 2) & 0x3ff_ffff),
    banner: /^----\[ Xen-4\.17\.\d+ {2}arm64 {2}debug=n /,
    fetch: 'Instruction Abort',
    length: 0x0200_0000,
    undefined: { instruction: '.inst 0x00000000', message: 'CPU0: Unexpected Trap: Hypervisor' },
  },
  arm32: {
    digits: 8,
    /** `B`: imm24 in words, from the instruction's address plus 8. Source: the same, F5.1.18. */
    branch: (delta: number): number => (0xea00_0000 | (((delta - 8) >> 2) & 0xff_ffff)) >>> 0,
    banner: /^----\[ Xen-4\.17\.\d+ {2}arm32 {2}debug=n /,
    fetch: 'Prefetch Abort',
    length: 0,
    undefined: { instruction: '.inst 0xe7f000f1', message: 'CPU0: Unexpected Trap: Undefined Instruction' },
  },
} as const;

/**
 * ESR_EL2 of a data abort for a write to an address without a second-level entry, and of an instruction fetch; `length` in
 * KINDS is IL.
 */
const WRITE_FAULT = 0x9400_0046;
const FETCH_FAULT = 0x8400_0006;
const NOWHERE = 0x1234_5678n;

const temporary = temporaryFolder();
const env = { ...process.env, TMPDIR: temporary };

const word = (value: number): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes.toString('hex');
};

describe.each(['arm64', 'arm32'] as const)('a host of %s in QEMU', (arch: ArmArch) => {
  const kind = KINDS[arch];
  const address = (value: bigint): string => value.toString(16).padStart(kind.digits, '0');
  let xen: SourceXen;
  let syms: XenSyms;
  let hosts: QemuHosts;
  let host: QemuTarget | undefined;

  // With an empty cache: a build of Xen, a kernel package, and a boot.
  beforeAll(async () => {
    xen = await xenFromSource(arch);
    syms = new XenSyms(xen.xenSyms);
    hosts = await prepareQemu({ env, arch });
  }, 400_000);

  afterEach(async () => {
    await host?.close();
    host = undefined;
    expect(processesWith(temporary)).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  const started = async (): Promise<QemuTarget> => {
    host = await hosts.start();
    return host;
  };

  /** Makes a payload that replaces one function of the hypervisor. */
  const payload = (name: string, symbol: string, body: string, xenDepends = xen.buildId): Uint8Array =>
    buildArmPayload({
      arch,
      c: `
        static const char *lp_${name}(void) { ${body} }
        FUNC lp_func_${name} = { "${symbol}", lp_${name}, 0, 12, ${syms.symbol(symbol).size}, 2 };`,
      depends: xen.buildId,
      xenDepends,
    });

  it('reports its version and build-id', async () => {
    const target = await started();
    const { buildId, xenSyms } = xen;
    const version = /^\d+\.\d+\.\d+/.exec(xen.packageVersion)?.[0] ?? '';
    expect(buildId).toBe(syms.buildId);
    expect(target.host).toMatchObject({ arch, version, buildId, xenSyms, smp: 1, memory: 512 });
    expect(await target.versionString('extra')).toBe(version.replace(/^\d+\.\d+/, ''));
    expect(await target.takeConsole()).toEqual([]);
  });

  it('takes a payload through its whole life', async () => {
    const target = await started();
    const place = syms.symbol('xen_extra_version');
    const code = async () => hex((await target.peek(place.address, place.size)) ?? new Uint8Array());
    const original = syms.bytes(place.address, place.size);
    expect(await code()).toBe(original);
    const before = await target.versionString('extra');

    expect(await target.upload('extra', payload('extra', 'xen_extra_version', 'return "-patched";'))).toMatchObject({
      rc: 0,
    });
    expect(await target.get('extra')).toEqual({ kind: 'found', rc: 0, state: 1, statusRc: 0 });
    expect(await target.action('extra', 'apply')).toMatchObject({ rc: 0 });
    expect(await target.get('extra')).toEqual({ kind: 'found', rc: 0, state: 2, statusRc: 0 });
    expect(await target.takeConsole()).toEqual([
      'livepatch: extra: Verifying enabled expectations for all functions',
      'livepatch: extra: Applying 1 functions',
      'livepatch: extra finished APPLY with rc=0',
    ]);
    expect(await target.versionString('extra')).toBe('-patched');
    const branch = word(kind.branch(Number(FIRST_PLACE - place.address)));
    expect(await code()).toBe(branch + original.slice(8));

    await target.dump();
    const dump = await target.takeConsole();
    expect(dump[1]).toBe(`build-id: ${xen.buildId}`);
    expect(dump[2]).toMatch(new RegExp(`^ name=extra state=APPLIED\\(2\\) ${address(FIRST_PLACE)} \\(.data=`));
    const old = `${address(place.address)}(${place.size})`;
    expect(dump[3]).toBe(`    xen_extra_version patch ${old} with ${address(FIRST_PLACE)} (12)`);
    expect(await target.list({ idx: 0, nr: 4 })).toMatchObject({
      rc: 1,
      entries: [{ name: 'extra', state: 2, rc: 0 }],
    });

    expect(await target.action('extra', 'unload')).toMatchObject({ rc: -22 });
    expect(await target.action('extra', 'revert')).toMatchObject({ rc: 0 });
    expect(await target.versionString('extra')).toBe(before);
    expect(await code()).toBe(original);
    expect(await target.action('extra', 'unload')).toMatchObject({ rc: 0 });
    expect(await target.get('extra')).toEqual({ kind: 'refused', rc: -2 });
    expect(await target.panic()).toBeNull();
  });

  it('returns the hypervisor’s refusals and their console lines', async () => {
    const target = await started();
    const other = payload('other', 'xen_extra_version', 'return "x";', '00'.repeat(20));
    expect(await target.upload('other', other)).toMatchObject({ rc: -22 });
    expect(await target.takeConsole()).toEqual(['livepatch: other: check against hypervisor build-id failed']);
    const program = new Uint8Array(readFileSync(debianXen().xen)).slice(0, 4096);
    expect(await target.upload('program', program)).toMatchObject({ rc: -95 });
    expect(await target.takeConsole()).toEqual(['livepatch: program: Invalid ELF payload']);
    // Nothing is mapped between the image and the fixmap.
    expect(await target.peek(NOWHERE, 16)).toBeNull();
  });

  it('returns the panic of a host that dies, and the lines before it', async () => {
    const target = await started();
    const body = `*(volatile int *)${NOWHERE} = 1; return 0;`;
    expect(await target.upload('abort', payload('abort', 'do_domctl', body))).toMatchObject({ rc: 0 });
    expect(await target.action('abort', 'apply')).toMatchObject({ rc: 0 });
    expect(await domctl(target)).toEqual({ kind: 'no-answer' });
    const panic = await target.panic();
    const message = 'CPU0: Unexpected Trap: Data Abort';
    expect(panic).toMatchObject({ message, errorCode: WRITE_FAULT + kind.length, address: NOWHERE });
    expect(panic?.screen[0]).toMatch(/^Data Abort Trap\. Syndrome=0x/);
    expect(panic?.screen.findIndex((line) => kind.banner.test(line))).toBeGreaterThan(3);
    expect(panic?.screen.at(-1)).toBe('Reboot in five seconds...');
    expect(await target.takeConsole()).toEqual([
      'livepatch: abort: Verifying enabled expectations for all functions',
      'livepatch: abort: Applying 1 functions',
      'livepatch: abort finished APPLY with rc=0',
    ]);
    await expect(target.get('abort')).rejects.toMatchObject({ code: 'EHOST' });
  });

  it('returns the panic of a wild jump, and of an undefined instruction', async () => {
    const died = async (body: string) => {
      const target = await started();
      expect(await target.upload('p', payload('p', 'do_domctl', body))).toMatchObject({ rc: 0 });
      expect(await target.action('p', 'apply')).toMatchObject({ rc: 0 });
      expect(await domctl(target)).toEqual({ kind: 'no-answer' });
      const panic = await target.panic();
      await target.close();
      return panic;
    };
    const jump = await died(`((void (*)(void))${NOWHERE})(); return 0;`);
    const message = `CPU0: Unexpected Trap: ${kind.fetch}`;
    expect(jump).toMatchObject({ message, errorCode: FETCH_FAULT + kind.length, address: NOWHERE });
    const { instruction } = kind.undefined;
    const undef = await died(`__asm__ volatile("${instruction}"); return 0;`);
    expect(undef).toMatchObject({ message: kind.undefined.message, errorCode: null, address: null });
    expect(undef?.screen).toContain(kind.undefined.message);
  });

  it('boots a hypervisor of the user’s own, with the symbols of the same build', async () => {
    const folder = temporaryFolder();
    const xenImage = join(folder, 'xen.gz');
    writeFileSync(xenImage, gzipSync(readFileSync(xen.xen)));
    host = await startQemu({ env, arch, xenImage });
    expect(host.host).toMatchObject({ buildId: xen.buildId, xenSyms: null });
    expect(hex((await host.peek(syms.symbol('xen_extra_version').address, 4)) ?? new Uint8Array())).toBe(
      syms.bytes(syms.symbol('xen_extra_version').address, 4),
    );
    const { xen: x86, xenSyms: x86Syms } = debianXen();
    expect(await failureOf(startQemu({ env, arch, xenImage: x86 }))).toMatchObject({
      code: 'EIMAGE',
      hint: 'This is a Xen for x86-64: choose that architecture with --arch.',
    });
    expect(await failureOf(startQemu({ env, xenImage: xen.xen }))).toMatchObject({
      code: 'EIMAGE',
      hint: `This is a Xen for ${arch}: choose that architecture with --arch.`,
    });
    expect(await failureOf(startQemu({ env, arch, xenSyms: x86Syms }))).toMatchObject({
      code: 'EIMAGE',
      message: `${x86Syms} is for x86-64, but the host is ${arch}`,
    });
  });
});

/** Calls do_domctl, which nothing else in dom0 does. */
function domctl(target: QemuTarget): Promise<OpResult> {
  const arena = new GuestArena();
  return target.hypercall(arena, HYPERVISOR_DOMCTL, [arena.placeOutput(128)]);
}
