import { describe, expect, it } from 'vitest';
import type { SimulatedTarget } from '../../src/hypervisor/index.ts';
import {
  ALL_RELEASES,
  among,
  CHANGESET,
  EXTRA_VERSION,
  hostWith,
  id,
  idText,
  lines,
  patch,
  WRITABLE,
} from './state-support.ts';
import { bootHost } from './support.ts';

const XEN = 'c49cdcc59463c3258acee6ab0ed9fe416cd52dbc';

/** The lines that the key prints. */
function dump(target: SimulatedTarget): string[] {
  lines(target);
  target.dump();
  return lines(target);
}

const HEAD = ["'x' pressed - Dumping all livepatch patches", `build-id: ${XEN}`];

/** `.modinfo` has a meaning since 4.14; Xen's build-id is stored up to 4.18.3 and in 4.19.0. */
const MODINFO = ['4.14.0-4.22.0'];
const XEN_DEPENDS = ['4.14.0-4.18.3', '4.19.0'];

describe('the console key x', () => {
  it.each(ALL_RELEASES)('%s', (release) => {
    const functions = [
      patch(EXTRA_VERSION, { newSize: 3 }),
      { name: null, oldAddr: CHANGESET.name, oldSize: 8, newSize: 5 },
    ];
    const a = { buildId: id(0xa1), functions, modinfo: ['author=me', 'x'] };
    const b = { buildId: id(0xb2), functions: [patch(CHANGESET, { code: null, newSize: 2 })], depends: id(0xa1) };
    const target = hostWith({ a, b }, { release, applied: ['a'], loglvl: 'all' });
    const [first, second] = target.hypervisor.payloads;
    const place = (at: typeof first) => {
      const hex = (address: bigint | undefined) => (address ?? 0n).toString(16);
      const { text, rw, ro, pages } = at ?? {};
      return `${hex(text?.addr)} (.data=${hex(rw?.addr)}, .rodata=${hex(ro?.addr)}) using ${pages} pages.`;
    };
    const text = first?.text.addr ?? 0n;
    const metadata = ['livepatch: module metadata:', 'livepatch:   author=me', 'livepatch:   x'];
    const xen = among(release, XEN_DEPENDS) ? [`depend-on-xen=${XEN}`] : [];
    expect(dump(target)).toEqual([
      ...HEAD,
      ` name=a state=APPLIED(2) ${place(first)}`,
      ...(among(release, MODINFO) ? metadata : []),
      `    xen_extra_version patch ffff82d040200580(8) with ${text.toString(16)} (3)`,
      `    <NULL> patch ffff82d040200590(8) with ${(text + 16n).toString(16)} (5)`,
      `build-id=${idText(0xa1)}`,
      `depend-on=${XEN}`,
      ...xen,
      ` name=b state=CHECKED(1) ${place(second)}`,
      '    xen_changeset patch ffff82d040200590(8) with 0000000000000000 (2)',
      `build-id=${idText(0xb2)}`,
      `depend-on=${idText(0xa1)}`,
      ...xen,
    ]);
  });

  it('without payloads', () => {
    expect(dump(bootHost())).toEqual(HEAD);
  });

  it('shows the payload’s pages and addresses', () => {
    const target = hostWith({ a: { buildId: id(0xa1), data: 8192, funcsFlags: WRITABLE } }, { release: '4.18.1' });
    // The first payload is at page 9 of the region after the image: one page of code, three of data, one for the rest.
    expect(dump(target)[2]).toBe(
      ' name=a state=CHECKED(1) ffff82d040218000 (.data=ffff82d040219000, .rodata=ffff82d04021c000) using 5 pages.',
    );
  });

  it('prints at most 64 bytes of an id', () => {
    const target = hostWith({ a: { buildId: new Uint8Array(90).fill(0xab) } });
    expect(dump(target)).toContain(`build-id=${'ab'.repeat(64)}`);
  });

  it('prints at the default level, and metadata at INFO', () => {
    const a = { buildId: id(0xa1), modinfo: ['author=me'] };
    const shown = (release: string, loglvl: string) => dump(hostWith({ a }, { release, loglvl })).length;
    // The default level is WARNING up to 4.17, INFO since.
    expect(shown('4.17.7', 'error')).toBe(0);
    expect(shown('4.17.7', 'warning')).toBe(7);
    expect(shown('4.17.7', 'info')).toBe(9);
    expect(shown('4.18.6', 'warning')).toBe(0);
    expect(shown('4.18.6', 'info')).toBe(8);
  });

  it('changes nothing', () => {
    const target = hostWith({ a: { buildId: id(0xa1) } });
    const before = target.hypervisor.machine.space.digest();
    target.dump();
    expect(target.hypervisor.machine.space.digest()).toBe(before);
    expect(target.hypervisor.stopped).toBe(null);
  });
});
