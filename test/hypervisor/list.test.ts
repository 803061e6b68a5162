import { describe, expect, it } from 'vitest';
import type { SimulatedTarget } from '../../src/hypervisor/index.ts';
import { actionNow, answered, uploadNow } from '../support/answers.ts';
import { CHANGESET, COMPILE_DATE, EXTRA_VERSION, hostWith, id, patch, payloadFor } from './state-support.ts';
import { bootHost } from './support.ts';
import { Guest, hex, hypercall, type ListFields, type ListHandles, listSysctl } from './sysctl-support.ts';

const E2BIG = -7;
const EFAULT = -14;
const EINVAL = -22;
const ENOBUFS = -105;

const OLD = ['4.11.0', '4.12.4', '4.13.5'];
const OUT_ONLY = ['4.14.0', '4.16.7', '4.17.7', '4.18.6', '4.19.5', '4.20.4'];
const IN_OUT = ['4.21.0', '4.22.0'];
const ALL = [...OLD, ...OUT_ONLY, ...IN_OUT];

/** Three payloads: names of 2, 4 and 3 bytes with their NULs; metadata of 3, none and 6 bytes. */
const THREE = {
  a: { buildId: id(1), functions: [patch(EXTRA_VERSION)], modinfo: ['x='] },
  bbb: { buildId: id(2), functions: [patch(CHANGESET)] },
  cc: { buildId: id(3), functions: [patch(COMPILE_DATE)], modinfo: ['y=1', 'z'] },
};

const three = (release: string, applied: readonly string[] = ['bbb']) => {
  const target = hostWith(THREE, { release });
  for (const name of applied) actionNow(target, name, 'apply');
  return target;
};

interface Listed {
  readonly rc: number | null;
  readonly version: number;
  readonly nr: number;
  readonly nameTotalSize: number;
  readonly metadataTotalSize: number;
  readonly names: string;
  readonly status: string;
  readonly len: readonly number[];
  readonly metadata: string;
  readonly metadataLen: readonly number[];
}

/** A LIST with room for four entries in every array, filled with `aa`. */
function list(
  target: SimulatedTarget,
  release: string,
  fields: ListFields,
  prepare?: (guest: Guest, handles: ListHandles) => void,
): Listed {
  const guest = new Guest();
  const room = (bytes: number) => guest.place(new Uint8Array(bytes).fill(0xaa));
  const handles = { status: room(32), names: room(512), len: room(16), metadata: room(64), metadataLen: room(16) };
  prepare?.(guest, handles);
  const { rc, after } = hypercall(target, guest, listSysctl(release, { ...handles, ...fields }));
  const words = (handle: bigint) => {
    const bytes = guest.at(handle);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i, true));
  };
  return {
    rc,
    version: after.getUint32(16, true),
    nr: after.getUint32(24, true),
    nameTotalSize: after.getUint32(32, true),
    metadataTotalSize: after.getUint32(36, true),
    names: Buffer.from(guest.at(handles.names)).toString('latin1'),
    status: hex(guest.at(handles.status)),
    len: words(handles.len),
    metadata: Buffer.from(guest.at(handles.metadata)).toString('latin1'),
    metadataLen: words(handles.metadataLen),
  };
}

const UNTOUCHED = 0xaaaa_aaaa;
const AA = '\xaa';

describe('LIST', () => {
  it.each(ALL)('%s: of no payloads', (release) => {
    const target = bootHost({ release });
    expect(list(target, release, { nr: 0 })).toMatchObject({ rc: 0, version: 1, nr: 0 });
    expect(list(target, release, { nr: 4 })).toMatchObject({ rc: 0, version: 1, nr: 0 });
    // Any index is valid without payloads.
    expect(list(target, release, { nr: 4, idx: 77 })).toMatchObject({ rc: 0, version: 1, nr: 0 });
  });

  it.each([...OUT_ONLY, ...IN_OUT])('%s: nr 0 asks for the sizes', (release) => {
    expect(list(three(release), release, { nr: 0 })).toMatchObject({
      rc: 0,
      version: 4,
      nr: 3,
      nameTotalSize: 9,
      metadataTotalSize: 9,
    });
    // From the first payload, whatever the index.
    expect(list(three(release), release, { nr: 0, idx: 2 })).toMatchObject({ nr: 3, nameTotalSize: 9 });
  });

  it.each(OLD)('%s: nr 0 asks for the number of payloads', (release) => {
    expect(list(three(release), release, { nr: 0 })).toMatchObject({ rc: 0, version: 4, nr: 3 });
  });

  it.each(OLD)('%s: writes names at a fixed stride, and only their own bytes', (release) => {
    const listed = list(three(release), release, { nr: 4 });
    expect(listed).toMatchObject({ rc: 3, version: 4, nr: 0, len: [2, 4, 3, UNTOUCHED] });
    const slot = (name: string) => `${name}\0`.padEnd(128, AA);
    expect(listed.names).toBe(slot('a') + slot('bbb') + slot('cc') + AA.repeat(128));
    // state, rc; the second payload is applied.
    expect(listed.status).toBe(`0100000000000000${'0200000000000000'}${'0100000000000000'}${'aa'.repeat(8)}`);
    expect(listed.metadata).toBe(AA.repeat(64));
    expect(listed.metadataLen).toEqual([UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED]);
  });

  it.each([...OUT_ONLY, ...IN_OUT])('%s: names and metadata back to back', (release) => {
    const listed = list(three(release), release, { nr: 4, nameTotalSize: 9, metadataTotalSize: 9 });
    expect(listed).toMatchObject({
      rc: 3,
      version: 4,
      nr: 0,
      nameTotalSize: 9,
      metadataTotalSize: 9,
      len: [2, 4, 3, UNTOUCHED],
      metadataLen: [3, 0, 6, UNTOUCHED],
    });
    expect(listed.names).toBe(`a\0bbb\0cc\0${AA.repeat(503)}`);
    expect(listed.metadata).toBe(`x=\0y=1\0z\0${AA.repeat(55)}`);
    expect(listed.status).toBe(`0100000000000000${'0200000000000000'}${'0100000000000000'}${'aa'.repeat(8)}`);
  });

  it.each([
    [0, 1, 1, 2, 'a'],
    [0, 2, 2, 1, 'a,bbb'],
    [1, 1, 1, 1, 'bbb'],
    [1, 4, 2, 0, 'bbb,cc'],
    [2, 1, 1, 0, 'cc'],
    [2, 1024, 1, 0, 'cc'],
  ])('from %i, %i entries: %i returned, %i left', (idx, nr, count, left, names) => {
    for (const release of ALL) {
      const listed = list(three(release), release, { idx, nr, nameTotalSize: 512, metadataTotalSize: 64 });
      expect(listed, release).toMatchObject({ rc: count, nr: left, version: 4 });
      const got = OLD.includes(release)
        ? Array.from({ length: count }, (_, i) => listed.names.slice(128 * i).split('\0')[0])
        : listed.names.split('\0').slice(0, count);
      expect(got.join(), release).toBe(names);
    }
  });

  it.each(ALL)('%s: entries beyond the end, too many at once, padding', (release) => {
    const target = three(release);
    const refused = { version: UNTOUCHED };
    expect(list(target, release, { nr: 1, idx: 3 })).toMatchObject({ rc: EINVAL, nr: 1, ...refused });
    expect(list(target, release, { nr: 0, idx: 3 })).toMatchObject({ rc: EINVAL, nr: 0, ...refused });
    expect(list(target, release, { nr: 1025 })).toMatchObject({ rc: E2BIG, nr: 1025, ...refused });
    expect(list(target, release, { nr: 1025, pad: 1, idx: 3 }).rc).toBe(E2BIG);
    expect(list(target, release, { nr: 1, pad: 1 })).toMatchObject({ rc: EINVAL, nr: 1, ...refused });
    expect(list(target, release, { nr: 0, pad: 1 })).toMatchObject({ rc: EINVAL, ...refused });
    expect(list(target, release, { nr: 1024, nameTotalSize: 512, metadataTotalSize: 64 }).rc).toBe(3);
  });

  it.each(['status', 'len'] as const)('a PV caller’s bad handle for %s: EINVAL, unless nr is 0', (array) => {
    for (const release of ALL) {
      const refuse = (guest: Guest, handles: ListHandles) => guest.refused.add(handles[array]);
      expect(list(three(release), release, { nr: 1 }, refuse).rc, release).toBe(EINVAL);
      expect(list(three(release), release, { nr: 0 }, refuse).rc, release).toBe(0);
    }
  });

  it('a PV caller’s bad handle for the metadata lengths: EINVAL in releases that have them', () => {
    const refuse = (guest: Guest, handles: ListHandles) => guest.refused.add(handles.metadataLen);
    for (const release of OLD) expect(list(three(release), release, { nr: 1 }, refuse).rc, release).toBe(1);
    for (const release of OUT_ONLY) expect(list(three(release), release, { nr: 1 }, refuse).rc, release).toBe(EINVAL);
  });

  it('a PV caller’s bad handle for the names: EINVAL, up to 4.13 before any payload is visited', () => {
    const refuse = (guest: Guest, handles: ListHandles) => guest.refused.add(handles.names);
    for (const release of OLD) {
      expect(list(three(release), release, { nr: 1 }, refuse), release).toMatchObject({
        rc: EINVAL,
        version: UNTOUCHED,
      });
    }
    for (const release of OUT_ONLY) {
      // Entry by entry: the payload counts as visited and is in the sums.
      expect(list(three(release), release, { nr: 3 }, refuse), release).toMatchObject({
        rc: EINVAL,
        version: 4,
        nr: 2,
        nameTotalSize: 2,
        metadataTotalSize: 3,
        len: [UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED],
      });
    }
    for (const release of IN_OUT) {
      const fields = { nr: 3, nameTotalSize: 9, metadataTotalSize: 9 };
      const expected = { rc: EINVAL, version: 4, nr: 2, nameTotalSize: 0, metadataTotalSize: 0 };
      expect(list(three(release), release, fields, refuse), release).toMatchObject(expected);
    }
  });

  it.each([
    ['the second name', 'names', 2],
    ['the second length', 'len', 4],
    ['the second status', 'status', 8],
    ['the second length of metadata', 'metadataLen', 4],
  ] as const)('no room for %s: EFAULT, with counts of copied entries', (_what, array, bytes) => {
    const cut = (guest: Guest, handles: ListHandles) => guest.pieces.set(handles[array], new Uint8Array(bytes));
    for (const release of OUT_ONLY) {
      expect(list(three(release), release, { nr: 3 }, cut), release).toMatchObject({
        rc: EFAULT,
        version: 4,
        nr: 1,
        // Includes the one that failed.
        nameTotalSize: 6,
        metadataTotalSize: 3,
      });
    }
    for (const release of IN_OUT) {
      const fields = { nr: 3, nameTotalSize: 99, metadataTotalSize: 99 };
      const expected = { rc: EFAULT, version: 4, nr: 1, nameTotalSize: 2, metadataTotalSize: 3 };
      expect(list(three(release), release, fields, cut), release).toMatchObject(expected);
    }
    if (array === 'metadataLen') return;
    for (const release of OLD) {
      expect(list(three(release), release, { nr: 3 }, cut), release).toMatchObject({ rc: EFAULT, nr: 1 });
    }
  });

  it('copies the parts of an entry in this order: name, length, state, metadata, its length', () => {
    const cut = (guest: Guest, handles: ListHandles) => guest.pieces.set(handles.metadata, new Uint8Array(2));
    const listed = list(three('4.18.6'), '4.18.6', { nr: 1 }, cut);
    expect(listed).toMatchObject({ rc: EFAULT, len: [2, UNTOUCHED, UNTOUCHED, UNTOUCHED], metadata: '\0\0' });
    expect(listed.status.slice(0, 16)).toBe('0100000000000000');
    expect(listed.names.slice(0, 2)).toBe('a\0');
    expect(listed.metadataLen).toEqual([UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED]);
  });
});

describe('buffer sizes from the caller', () => {
  it.each(OUT_ONLY)('%s ignores them', (release) => {
    expect(list(three(release), release, { nr: 3 })).toMatchObject({ rc: 3, nameTotalSize: 9, metadataTotalSize: 9 });
  });

  it.each(IN_OUT)('%s: an entry that does not fit gives ENOBUFS, and does not count as left', (release) => {
    const none = { len: [UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED] };
    expect(list(three(release), release, { nr: 3 })).toMatchObject({
      rc: ENOBUFS,
      version: 4,
      nr: 2,
      nameTotalSize: 0,
      metadataTotalSize: 0,
      ...none,
    });
    expect(list(three(release), release, { nr: 3, nameTotalSize: 8, metadataTotalSize: 9 })).toMatchObject({
      rc: ENOBUFS,
      nr: 0,
      nameTotalSize: 6,
      metadataTotalSize: 3,
      len: [2, 4, UNTOUCHED, UNTOUCHED],
    });
    expect(list(three(release), release, { nr: 3, nameTotalSize: 9, metadataTotalSize: 8 })).toMatchObject({
      rc: ENOBUFS,
      nr: 0,
      nameTotalSize: 6,
      metadataTotalSize: 3,
    });
    expect(list(three(release), release, { nr: 3, nameTotalSize: 5, metadataTotalSize: 9 })).toMatchObject({
      rc: ENOBUFS,
      nr: 1,
      nameTotalSize: 2,
    });
    expect(list(three(release), release, { nr: 1, nameTotalSize: 2, metadataTotalSize: 3 })).toMatchObject({
      rc: 1,
      nr: 2,
    });
  });
});

describe('the list’s version', () => {
  it('starts at 1 and changes with every upload and unload that succeeds', () => {
    const release = '4.18.1';
    const target = bootHost();
    const version = () => list(target, release, { nr: 0 }).version;
    expect(version()).toBe(1);
    uploadNow(target, 'a', payloadFor(THREE.a));
    expect(version()).toBe(2);
    uploadNow(target, 'b', payloadFor(THREE.a));
    uploadNow(target, 'a', payloadFor(THREE.bbb));
    expect(version()).toBe(2);
    actionNow(target, 'a', 'apply');
    actionNow(target, 'a', 'unload');
    actionNow(target, 'a', 'revert');
    expect(version()).toBe(2);
    actionNow(target, 'a', 'unload');
    expect(version()).toBe(3);
  });
});

describe('the state in a list', () => {
  it('is -EAGAIN while an action is pending, and its result afterwards', () => {
    const target = three('4.18.1', []);
    target.schedule('a', 'apply');
    const status = () => list(target, '4.18.1', { nr: 1 }).status.slice(0, 16);
    expect(status()).toBe('01000000f5ffffff');
    target.idle();
    expect(status()).toBe('0200000000000000');
  });
});

describe('SimulatedTarget.list', () => {
  it.each(ALL)('%s: the entries as values', async (release) => {
    const { entries, rc, nr } = answered(await three(release).list({ idx: 0, nr: 4 }));
    expect({ rc, nr }).toEqual({ rc: 3, nr: 0 });
    const metadata = OLD.includes(release) ? ['', '', ''] : ['x=\0', '', 'y=1\0z\0'];
    expect(entries.map((entry) => ({ ...entry, metadata: Buffer.from(entry.metadata).toString() }))).toEqual([
      { name: 'a', state: 1, rc: 0, metadata: metadata[0] },
      { name: 'bbb', state: 2, rc: 0, metadata: metadata[1] },
      { name: 'cc', state: 1, rc: 0, metadata: metadata[2] },
    ]);
  });
});
