import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { PAYLOADS } from '../../scenarios/build.ts';
import { hex, XspliceError } from '../../src/base/index.ts';
import { isProblem } from '../../src/elf/index.ts';
import { type PayloadFile, readPayload } from '../../src/payload/index.ts';
import { buildIdOf, buildPayload, fitPayload } from '../../src/synth/index.ts';
import { debian, simulation, xen } from '../run/xen.ts';
import { answered } from '../support/answers.ts';

/** Payloads for no particular hypervisor, made to fit Debian's. */
const { image, release } = debian;
const folder = mkdtempSync(join(tmpdir(), 'xsplice-fit-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const names = readdirSync(PAYLOADS)
  .filter((name) => name.endsWith('.livepatch'))
  .map((name) => name.replace('.livepatch', ''));
const file = (name: string): Uint8Array => new Uint8Array(readFileSync(join(PAYLOADS, `${name}.livepatch`)));
const read = (bytes: Uint8Array): PayloadFile => {
  const payload = readPayload(bytes);
  return isProblem(payload) ? expect.fail(payload.message) : payload;
};
const sectionOf = (bytes: Uint8Array, name: string): Uint8Array =>
  read(bytes).elf.section(name)?.data() ?? expect.fail(`no ${name}`);
const refusal = (make: () => unknown): XspliceError => {
  try {
    make();
  } catch (error) {
    if (error instanceof XspliceError) return error;
  }
  return expect.fail('it was not refused');
};

describe('a fitted payload', () => {
  it('depends on the hypervisor, or on the payload below it', () => {
    const own = hex(image.buildId ?? expect.fail());
    const hello = fitPayload(file('hello'), { image, release });
    expect(hex(sectionOf(hello, '.livepatch.depends')).slice(32)).toBe(own);
    const bye = fitPayload(file('bye'), { image, release, depends: buildIdOf(hello) });
    expect(hex(sectionOf(bye, '.livepatch.depends')).slice(32)).toBe(hex(buildIdOf(hello)));
    expect(hex(sectionOf(bye, '.livepatch.xen_depends')).slice(32)).toBe(own);
    // An id of another length has a section of another length.
    const short = fitPayload(file('bye'), { image, release, depends: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) });
    expect(hex(sectionOf(short, '.livepatch.depends')).slice(32)).toBe('0102030405060708');
    expect(
      read(fitPayload(file('no-xen-buildid'), { image, release })).elf.section('.livepatch.xen_depends'),
    ).toBeUndefined();
  });

  it('has a build-id of its own, the same every time', () => {
    const ids = names.map((name) => hex(buildIdOf(fitPayload(file(name), { image, release }))));
    expect(new Set(ids).size).toBe(names.length);
    expect(names.map((name) => hex(buildIdOf(fitPayload(file(name), { image, release }))))).toEqual(ids);
    expect(ids.some((id) => names.some((name) => id === hex(buildIdOf(file(name)))))).toBe(false);
  });

  it('has the sizes of both functions, and what is expected of the old one', () => {
    const [entry] = read(fitPayload(file('expectations'), { image, release })).functions?.entries ?? [];
    expect(entry).toMatchObject({ oldSize: xen.size('xen_extra_version'), newSize: 8, version: 2 });
    expect(hex(entry?.expectation?.data.subarray(0, 8) ?? expect.fail())).toBe(hex(xen.bytes('xen_extra_version', 8)));
    const [wrong] = read(fitPayload(file('expectations-fail'), { image, release })).functions?.entries ?? [];
    expect(hex(wrong?.expectation?.data.subarray(0, 6) ?? expect.fail())).toBe('badc0ffee00d');
    const [nop] = read(fitPayload(file('nop'), { image, release })).functions?.entries ?? [];
    // mov $17, %eax
    expect(hex(xen.bytes('xen_minor_version', 5))).toBe('b811000000');
    expect(nop).toMatchObject({ newSize: 5, oldSize: xen.size('xen_minor_version') });
  });

  it('knows where the release keeps the state of a function', () => {
    const words = (version: string): number[] => {
      const bytes = sectionOf(
        fitPayload(file('action-hooks'), { image, release: simulation(version).release }),
        '.rodata.payload_layout',
      );
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return [0, 4, 8, 12].map((at) => view.getUint32(at, true));
    };
    expect(words('4.17.7')).toEqual([112, 40, 4, 120]);
    expect(words('4.22.0')).toEqual([112, 40, 4, 120]);
    // 82182ad7b4 is in 4.17.3 and 4.18.1.
    expect(words('4.17.2')).toEqual([104, 104, 0x3f + 1, 112]);
    expect(words('4.18.0')).toEqual([104, 104, 0x40, 112]);
  });

  it.each([
    '4.11.4',
    '4.13.1',
    '4.14.2',
    '4.16.5',
    '4.17.2',
    '4.18.0',
    '4.18.1',
    '4.19.2',
    '4.20.1',
    '4.21.0',
    '4.22.0',
  ])('is taken by %s', async (version) => {
    const other = simulation(version);
    for (const name of names) {
      const host = other.boot();
      const { rc } = answered(await host.upload(name, fitPayload(file(name), { image, release: other.release })));
      const without = !other.release.funcsRequired || name !== 'action-hooks-nofunc';
      const named = other.release.xenDepends === 'none' || name !== 'no-xen-buildid';
      expect(rc, `${name}: ${(await host.takeConsole()).join('\n')}`).toBe(without && named ? 0 : -22);
      // The image is one of 4.17: its functions are not where a 4.13 would have them.
      if (rc !== 0 || read(file(name)).hooks.length > 0 || other.release.payloadVersion === 1) continue;
      await host.action(name, 'apply');
      const state = name === 'expectations-fail' && other.release.expectations ? 1 : 2;
      expect(await host.get(name), name).toMatchObject({ state });
    }
  });

  it('traps with the instruction of the release', () => {
    const text = (version: string): string =>
      hex(sectionOf(fitPayload(file('hello'), { image, release: simulation(version).release }), '.text'));
    const [old, recent] = [text('4.21.0'), text('4.22.0')];
    expect(old).not.toBe(recent);
    expect(old.replaceAll('0f0b', 'd690')).toBe(recent);
  });

  it('is what readelf reads without a complaint', () => {
    for (const name of names) {
      const path = join(folder, name);
      writeFileSync(path, fitPayload(file(name), { image, release }));
      const said = execFileSync('readelf', ['-SsrnW', path], { encoding: 'latin1', stdio: ['ignore', 'pipe', 'pipe'] });
      expect(said).toMatch(/\.livepatch\.depends/);
      expect(said, name).not.toMatch(/[Ww]arning|[Ee]rror:/);
    }
  });
});

describe('what cannot be fitted', () => {
  it('is no payload, or one for functions that this hypervisor lacks', () => {
    expect(refusal(() => fitPayload(Uint8Array.of(1, 2, 3), { image, release })).code).toBe('EFILE');
    const unknown = buildPayload({ functions: [{ name: 'no_such_function', oldSize: 0 }] }, { xen });
    expect(refusal(() => fitPayload(unknown, { image, release }))).toMatchObject({ code: 'EIMAGE' });
    const nameless = buildPayload({ functions: [{ name: null, oldSize: 0 }] }, { xen });
    expect(refusal(() => fitPayload(nameless, { image, release }))).toMatchObject({ code: 'EFILE' });
    // Its first instruction is no mov.
    const nop = buildPayload({ code: [], functions: [{ name: 'xen_extra_version', new: null, newSize: 0 }] }, { xen });
    expect(refusal(() => fitPayload(nop, { image, release })).message).toContain('xen_extra_version');
    const small = buildPayload({ sections: [{ name: '.rodata.payload_layout', flags: 'A', size: 12 }] }, { xen });
    expect(refusal(() => fitPayload(small, { image, release })).message).toContain('12 bytes');
  });
});
