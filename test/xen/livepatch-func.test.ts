import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeExpectation,
  encodeExpectation,
  type FuncLayout,
  LIVEPATCH_EXPECTATION_SIZE,
  livepatchFunc,
} from '../../src/xen/index.ts';
import { constants, dataBytes } from './structures.ts';

/** C of the public header, per layout. */
const HEAD = `struct livepatch_expectation { uint8_t enabled : 1; uint8_t len : 5; uint8_t rsv : 2; uint8_t data[31]; };
struct livepatch_func {
  const char *name; void *new_addr; void *old_addr; uint32_t new_size; uint32_t old_size; uint8_t version;`;
const TAILS: Readonly<Record<FuncLayout, string>> = {
  v1: 'uint8_t opaque[31];',
  'v2-applied': 'uint8_t opaque[31]; uint8_t applied; uint8_t _pad[7]; struct livepatch_expectation expect;',
  'v2-patch-offset':
    'uint8_t opaque[31]; uint8_t applied; uint8_t patch_offset; uint8_t _pad[6]; struct livepatch_expectation expect;',
  v2: 'uint8_t _pad[39]; struct livepatch_expectation expect;',
};
const CASES = (Object.keys(TAILS) as FuncLayout[]).flatMap((layout) => [[layout, 8] as const, [layout, 4] as const]);

const MEMBERS = {
  name: 'name',
  newAddr: 'new_addr',
  oldAddr: 'old_addr',
  newSize: 'new_size',
  oldSize: 'old_size',
  version: 'version',
  expect: 'expect',
  opaque: 'opaque',
  applied: 'applied',
  patchOffset: 'patch_offset',
} as const;

describe('struct livepatch_func', () => {
  it.each(CASES)('%s, pointers of %i bytes: matches gcc’s layout', (layout, pointerSize) => {
    const { at, size } = livepatchFunc(layout, pointerSize);
    const known = (Object.keys(MEMBERS) as (keyof typeof MEMBERS)[]).filter(
      (key) => HEAD.includes(`${MEMBERS[key]};`) || new RegExp(`\\b${MEMBERS[key]}(\\[|;)`).test(TAILS[layout]),
    );
    const offsets = known.map((key) => `offsetof(struct livepatch_func, ${MEMBERS[key]})`);
    const flags = pointerSize === 4 ? ['-m32'] : [];
    const [gccSize, ...rest] = constants(
      `${HEAD}${TAILS[layout]} };`,
      ['sizeof(struct livepatch_func)', ...offsets],
      flags,
    );
    expect(size).toBe(gccSize);
    expect(Object.fromEntries(Object.entries(at).filter(([, offset]) => offset !== undefined))).toEqual(
      Object.fromEntries(known.map((key, i) => [key, rest[i]])),
    );
  });

  it('has the sizes of the public headers', () => {
    const sizes = CASES.map(([layout, pointerSize]) => livepatchFunc(layout, pointerSize).size);
    expect(sizes).toEqual([64, 52, 104, 92, 104, 92, 104, 92]);
  });

  it('has patch_offset at 0x41, where 4.18.0 panics', () => {
    expect(livepatchFunc('v2-patch-offset', 8).at.patchOffset).toBe(0x41);
  });

  it.each(CASES)('%s, pointers of %i bytes: reads what it wrote, and changes nothing else', (layout, pointerSize) => {
    const table = livepatchFunc(layout, pointerSize);
    const address = fc.bigInt({ min: 0n, max: (1n << BigInt(pointerSize * 8)) - 1n });
    const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
    fc.assert(
      fc.property(
        address,
        address,
        address,
        u32,
        u32,
        fc.nat(255),
        (name, newAddr, oldAddr, newSize, oldSize, version) => {
          const bytes = new Uint8Array(table.size + 2).fill(0xa5);
          const view = new DataView(bytes.buffer);
          const value = { name, newAddr, oldAddr, newSize, oldSize, version };
          table.write(view, 1, value);
          expect(table.read(view, 1)).toEqual(value);
          expect(bytes[0]).toBe(0xa5);
          expect(bytes.subarray(1 + table.at.version + 1).every((byte) => byte === 0xa5)).toBe(true);
        },
      ),
    );
  });

  it('writes the given members only', () => {
    const table = livepatchFunc('v2', 4);
    const view = new DataView(new ArrayBuffer(table.size));
    table.write(view, 0, { oldAddr: 0x1_0020_1000n });
    expect(table.read(view, 0)).toEqual({
      name: 0n,
      newAddr: 0n,
      oldAddr: 0x20_1000n,
      newSize: 0,
      oldSize: 0,
      version: 0,
    });
  });
});

describe('struct livepatch_expectation', () => {
  it.each([
    [true, 8, 0, 0x11],
    [true, 0x15, 2, 0xab],
    [false, 31, 3, 0xfe],
  ])('enabled %s, len %i, rsv %i', (enabled, len, rsv, first) => {
    const data = Uint8Array.of(1, 2, 3);
    const c = `${HEAD}}; DATA struct livepatch_expectation e = { ${Number(enabled)}, ${len}, ${rsv}, { 1, 2, 3 } };`;
    const bytes = dataBytes(c);
    expect(bytes[0]).toBe(first);
    expect(encodeExpectation({ enabled, len, rsv, data })).toEqual(bytes);
    const padded = new Uint8Array(31);
    padded.set(data);
    expect(decodeExpectation(bytes)).toEqual({ enabled, len, rsv, data: padded });
  });

  it('round-trips any bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: LIVEPATCH_EXPECTATION_SIZE, maxLength: LIVEPATCH_EXPECTATION_SIZE }),
        (bytes) => {
          expect(encodeExpectation(decodeExpectation(bytes))).toEqual(bytes);
        },
      ),
    );
  });
});
