import { describe, expect, it } from 'vitest';
import { applyAltCalls } from '../../src/arch/index.ts';
import { hex, viewOf } from '../../src/base/index.ts';
import { bytes, FlatMemory, fakeHost, type HostSettings, Stopped } from './support.ts';

const BASE = 0xffff_82d0_4060_0100n;
const POINTER = 0xffff_82d0_4050_0000n;
const DEST = 0xffff_82d0_4020_0000n;
const TABLE = 0x200;

const le64 = (value: bigint) => {
  const out = new Uint8Array(8);
  viewOf(out).setBigUint64(0, value, true);
  return hex(out);
};

/** `call *POINTER(%rip)` at `offset`. */
function callSite(offset: number): Uint8Array {
  const code = bytes('ff 15 00 00 00 00');
  viewOf(code).setInt32(2, Number(POINTER - (BASE + BigInt(offset) + 6n)), true);
  return code;
}

function run(sites: readonly (readonly [offset: number, code: Uint8Array])[], settings: HostSettings = {}) {
  const memory = new FlatMemory(BASE, 0x400);
  sites.forEach(([offset, code], i) => {
    memory.write(offset, code);
    viewOf(memory.bytes).setInt32(TABLE + 4 * i, offset - (TABLE + 4 * i), true);
  });
  const elsewhere = { [POINTER.toString(16)]: le64(DEST), [DEST.toString(16)]: 'f3 0f 1e fa' };
  const host = fakeHost('4.21.0', memory, { ibtBuild: true, elsewhere, ...settings });
  const errno = applyAltCalls(host, TABLE, TABLE + 4 * sites.length);
  return { errno, lines: host.lines, sites: sites.map(([offset]) => hex(memory.read(offset, 6), ' ')) };
}

describe('.alt_call_sites', () => {
  it('become direct calls past the ENDBR64', () => {
    expect(run([[0, callSite(0)]])).toEqual({ errno: null, lines: [], sites: ['2e e8 fe fe bf ff'] });
  });

  it('call the function itself in a build without IBT', () => {
    expect(run([[0, callSite(0)]], { ibtBuild: false }).sites).toEqual(['2e e8 fa fe bf ff']);
  });

  it('warn if the target has no ENDBR64, even if it has the poison', () => {
    for (const start of ['55 48 89 e5', '66 0f 1f 01']) {
      const elsewhere = { [POINTER.toString(16)]: le64(DEST), [DEST.toString(16)]: start };
      expect(run([[0, callSite(0)]], { elsewhere })).toEqual({
        errno: null,
        lines: [`WARNING Altcall %s dest %s has no endbr64 <${BASE.toString(16)}> <${DEST.toString(16)}>`],
        sites: ['2e e8 fa fe bf ff'],
      });
    }
  });

  it('trap if the pointer is NULL', () => {
    const elsewhere = { [POINTER.toString(16)]: le64(0n) };
    expect(run([[0, callSite(0)]], { elsewhere }).sites).toEqual(['0f 0b 0f 0b 0f 0b']);
  });

  it('get displacements from their own addresses', () => {
    // 0x40200004 - 0x40600136, and so on.
    expect(
      run([
        [0x30, callSite(0x30)],
        [0x40, callSite(0x40)],
        [0, callSite(0)],
      ]).sites,
    ).toEqual(['2e e8 ce fe bf ff', '2e e8 be fe bf ff', '2e e8 fe fe bf ff']);
  });

  it.each([
    ['a tail call', 'ff 25 00 00 00 00'],
    ['a direct call', 'e8 00 00 00 00 90'],
    ['another indirect call', 'ff 14 25 00 00 00'],
  ])('refuse %s, and what comes after', (_what, code) => {
    const done = run([
      [0x20, callSite(0x20)],
      [0, bytes(code)],
      [0x40, callSite(0x40)],
    ]);
    expect(done.errno).toBe('EINVAL');
    expect(done.lines).toEqual([`ERR Altcall for %s [%s] not CALL *RIPREL <${BASE.toString(16)}> ${code}`]);
    expect(done.sites).toEqual(['2e e8 de fe bf ff', code, hex(callSite(0x40), ' ')]);
  });

  it('read the pointer from memory and may fault', () => {
    expect(() => run([[0, callSite(0)]], { elsewhere: {} })).toThrow(Stopped);
  });

  it('accept an empty section', () => {
    expect(run([])).toEqual({ errno: null, lines: [], sites: [] });
  });
});
