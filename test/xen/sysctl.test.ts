import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ActionOp,
  decodeLivepatchSysctl,
  encodeLivepatchSysctl,
  type GetOp,
  type KnownOp,
  type ListOp,
  livepatchName,
  livepatchOpWordOk,
  type Release,
  releaseByVersion,
  type UploadOp,
  writeLivepatchOp,
} from '../../src/xen/index.ts';
import { dataBytes } from './structures.ts';

const release = (version: string): Release => {
  const match = releaseByVersion(version);
  if (match === undefined) throw new Error(`no release ${version}`);
  return match.release;
};

/** C of the public header: up to 4.13, or since 4.14. Handles are 64 bits, aligned to 8. */
const header = (modern: boolean): string => `
typedef uint64_t __attribute__((aligned(8))) handle;
typedef uint64_t __attribute__((aligned(8))) u64a;
struct name { handle name; uint16_t size; uint16_t pad[3]; };
struct upload { struct name name; u64a size; handle payload; };
struct status { uint32_t state; int32_t rc; };
struct get { struct name name; struct status status; };
struct list { uint32_t version, idx, nr, pad; ${modern ? 'uint32_t name_total_size, metadata_total_size;' : ''}
  handle status, name, len; ${modern ? 'handle metadata, metadata_len;' : ''} };
struct action { struct name name; uint32_t cmd, timeout; ${modern ? 'uint32_t flags, pad;' : ''} };
struct op { uint32_t cmd, word; union { struct upload upload; struct get get; struct list list; struct action action; } u; };
struct sysctl { uint32_t cmd, interface_version; union { struct op livepatch; uint8_t pad[128]; } u; };
_Static_assert(sizeof(struct sysctl) == 136 && sizeof(struct op) == ${modern ? 72 : 48}, "as in the public header");
`;

const NAME = { name: 0x1122_3344_5566_7788n, size: 0x99aa, pad: [1, 2, 0xffff] } as const;
const C_NAME = '{ 0x1122334455667788, 0x99aa, { 1, 2, 0xffff } }';

interface Case {
  readonly op: KnownOp;
  readonly subOp: number;
  readonly c: string;
}

const UPLOAD: UploadOp = { kind: 'upload', name: NAME, size: 0x20_0001n, payload: 0xffff_8000_dead_beefn };
const GET: GetOp = { kind: 'get', name: NAME, state: 2, rc: -11 };
const LIST: ListOp = {
  kind: 'list',
  version: 7,
  idx: 8,
  nr: 9,
  pad: 10,
  nameTotalSize: 0,
  metadataTotalSize: 0,
  status: 0x10n,
  names: 0x20n,
  len: 0x30n,
  metadata: 0n,
  metadataLen: 0n,
};
const ACTION: ActionOp = { kind: 'action', name: NAME, action: 3, timeout: 30_000_000, flags: 0, pad: 0 };

const COMMON: readonly Case[] = [
  { op: UPLOAD, subOp: 0, c: `.upload = { ${C_NAME}, 0x200001, 0xffff8000deadbeef }` },
  { op: GET, subOp: 1, c: `.get = { ${C_NAME}, { 2, -11 } }` },
];
const OLD: readonly Case[] = [
  ...COMMON,
  { op: LIST, subOp: 2, c: '.list = { 7, 8, 9, 10, 0x10, 0x20, 0x30 }' },
  { op: ACTION, subOp: 3, c: `.action = { ${C_NAME}, 3, 30000000 }` },
];
const MODERN: readonly Case[] = [
  ...COMMON,
  {
    op: { ...LIST, nameTotalSize: 11, metadataTotalSize: 12, metadata: 0x40n, metadataLen: 0x50n },
    subOp: 2,
    c: '.list = { 7, 8, 9, 10, 11, 12, 0x10, 0x20, 0x30, 0x40, 0x50 }',
  },
  { op: { ...ACTION, flags: 1, pad: 5 }, subOp: 3, c: `.action = { ${C_NAME}, 3, 30000000, 1, 5 }` },
];

describe.each([
  ['4.11.4', 0x11, OLD],
  ['4.13.5', 0x12, OLD],
  ['4.14.0', 0x13, MODERN],
  ['4.17.7', 0x15, MODERN],
  ['4.22.0', 0x16, MODERN],
] as const)('XEN_SYSCTL_livepatch_op of %s', (version, interfaceVersion, cases) => {
  const abi = release(version);

  it.each(cases.map((one) => [one.op.kind, one] as const))('%s: matches gcc’s layout', (_kind, { op, subOp, c }) => {
    const data = `DATA struct sysctl s = { 27, ${interfaceVersion}, { .livepatch = { ${subOp}, 6, { ${c} } } } };`;
    // The same on 64-bit machines and for 32-bit toolstacks.
    for (const flags of [[], ['-m32']]) {
      const bytes = dataBytes(header(cases === MODERN) + data, flags);
      expect(encodeLivepatchSysctl(abi, op, { word: 6 })).toEqual(bytes);
      expect(decodeLivepatchSysctl(abi, bytes)).toEqual({ cmd: 27, interfaceVersion, subOp, word: 6, op });
    }
  });
});

describe('decoding', () => {
  const abi = release('4.17');

  it('accepts any 136 bytes, and encodes the same operation again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 136, maxLength: 136 }), fc.nat(5), (bytes, subOp) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset);
        view.setUint32(0, 27, true);
        view.setUint32(8, subOp, true);
        const { op } = decodeLivepatchSysctl(abi, bytes);
        if (subOp > 3) expect(op).toEqual({ kind: 'unknown' });
        if (op.kind === 'unknown') return;
        const copy = bytes.slice();
        writeLivepatchOp(abi, copy, op);
        expect(copy).toEqual(bytes);
      }),
    );
  });

  it('leaves other sysctls alone', () => {
    const bytes = encodeLivepatchSysctl(abi, GET);
    bytes[0] = 26;
    expect(decodeLivepatchSysctl(abi, bytes)).toMatchObject({ cmd: 26, op: { kind: 'unknown' } });
  });

  it('fills in the interface version, unless given', () => {
    expect(decodeLivepatchSysctl(abi, encodeLivepatchSysctl(abi, GET)).interfaceVersion).toBe(0x15);
    const other = encodeLivepatchSysctl(abi, GET, { interfaceVersion: 0x16 });
    expect(decodeLivepatchSysctl(abi, other).interfaceVersion).toBe(0x16);
  });

  it('makes well-formed names', () => {
    expect(livepatchName(5n, 6)).toEqual({ name: 5n, size: 6, pad: [0, 0, 0] });
  });
});

describe('the word after the sub-operation', () => {
  it('is padding up to 4.18', () => {
    const ok = [0, 1, 2, 3, 0x8000_0001].filter((word) => livepatchOpWordOk(release('4.18.6'), word));
    expect(ok).toEqual([0]);
  });

  it('is flags since 4.19, unknown ones only beside FORCE', () => {
    const ok = [0, 1, 2, 3, 4, 0x8000_0000, 0x8000_0001].filter((word) => livepatchOpWordOk(release('4.19.0'), word));
    expect(ok).toEqual([0, 1, 3, 0x8000_0001]);
  });
});
