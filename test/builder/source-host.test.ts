import { readdirSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { QemuHosts } from '../../src/targets/index.ts';
import { buildPayload } from '../e2e/payload.ts';
import { XenSyms } from '../e2e/xen-syms.ts';
import { type SourceXen, xenFromSource } from '../support/source-xen.ts';
import { buildArmPayload } from '../targets/support/arm-payload.ts';
import { processesWith, temporaryFolder } from '../targets/support.ts';
import type { PatchArch } from './source-patches/manifest.ts';
import { changeset } from './support/looks.ts';
import { applyAndRevert, type Effect, expectLife, sourceHosts } from './support/source-host.ts';

const MINUTES = 60_000;

const temporary = temporaryFolder();
const env = { ...process.env, TMPDIR: temporary };

/** A payload by plain gcc for the hypervisor with this build-id. */
const compile = (arch: PatchArch, c: string, id: string): Uint8Array =>
  arch === 'x86_64' ? buildPayload({ c, depends: id, xenDepends: id }) : buildArmPayload({ arch, c, depends: id });

const effect: Effect = { look: changeset, before: /^$/, after: /^by hand$/ };

describe.each(['x86_64', 'arm64'] as const)('a host of %s that runs the hypervisor built from source', (arch) => {
  let xen: SourceXen;
  let hosts: QemuHosts;
  let size: number;

  beforeAll(async () => {
    xen = await xenFromSource(arch);
    hosts = await sourceHosts(arch, { env });
    ({ size } = new XenSyms(xen.xenSyms).symbol('xen_changeset'));
  }, 20 * MINUTES);

  afterEach(() => {
    expect(processesWith(temporary)).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  const payload = (text: string, id = xen.buildId): Uint8Array =>
    compile(
      arch,
      `static const char *by_hand(void) { return "${text}"; }
       FUNC func_by_hand = { "xen_changeset", by_hand, 0, 8, ${size}, 2 };`,
      id,
    );

  it('takes a payload through its whole life, and shows its effect', () =>
    expectLife(hosts, payload('by hand'), { effect }));

  it('detects a payload with another effect', async () => {
    await expect(expectLife(hosts, payload('other'), { effect })).rejects.toThrow(/other/);
  });

  it('detects a payload for another hypervisor', async () => {
    const host = await hosts.start();
    try {
      const life = await applyAndRevert(host, payload('by hand', '00'.repeat(20)), changeset);
      expect(life).toMatchObject({ upload: -22, apply: null, seen: [''], panic: null });
      expect(life.console.upload).toContain('check against hypervisor build-id failed');
    } finally {
      await host.close();
    }
  });

  it('detects a payload that kills the host', async () => {
    const host = await hosts.start();
    try {
      const trap = arch === 'x86_64' ? 'ud2' : '.inst 0x00000000';
      const bytes = compile(
        arch,
        `static const char *by_hand(void) { __asm__ volatile ("${trap}"); return ""; }
         FUNC func_by_hand = { "xen_changeset", by_hand, 0, 8, ${size}, 2 };`,
        xen.buildId,
      );
      const life = await applyAndRevert(host, bytes, changeset);
      expect(life).toMatchObject({ upload: 0, apply: 0, revert: null, unload: null });
      expect(life.seen).toEqual(['', 'dead']);
      expect(life.panic).toMatch(/FATAL|Unexpected Trap/);
    } finally {
      await host.close();
    }
  });
});
