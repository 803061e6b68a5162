import { describe, expect, it } from 'vitest';
import { EXTRA_VERSION, hostWith, id, lines, patch, payloadFor, stack } from './state-support.ts';
import { bootHost } from './support.ts';
import { ACTION, cName, GET, Guest, hex, hypercall, LIST, Sysctl, UPLOAD } from './sysctl-support.ts';

const EPERM = -1;
const ENOENT = -2;
const EACCES = -13;
const EFAULT = -14;
const EEXIST = -17;
const EINVAL = -22;
const EOPNOTSUPP = -95;

/** One release of each layout of the structures. */
const LAYOUTS = ['4.11.0', '4.13.5', '4.14.0', '4.17.7', '4.18.0', '4.19.0', '4.20.0', '4.21.0', '4.22.0'];

const A = { buildId: id(0xa1), functions: [patch(EXTRA_VERSION)] };

describe('do_sysctl', () => {
  it('an unmapped handle: EFAULT', async () => {
    const { hypervisor } = bootHost();
    const { doSysctl } = await import('../../src/hypervisor/index.ts');
    expect(doSysctl(hypervisor, new Guest(), 0x1000n)).toBe(EFAULT);
    const guest = new Guest();
    const short = guest.place(135);
    expect(doSysctl(hypervisor, guest, short)).toBe(EFAULT);
  });

  it.each(LAYOUTS)('%s accepts only its own interface version', (release) => {
    const target = bootHost({ release });
    for (const off of [-1, 1, 0x100]) {
      const sysctl = new Sysctl(release, GET);
      sysctl.u32(4, sysctl.view.getUint32(4, true) + off).name(0n, 0);
      expect(hypercall(target, new Guest(), sysctl).rc, `off by ${off}`).toBe(EACCES);
    }
    expect(hypercall(target, new Guest(), new Sysctl(release, GET).name(0n, 0)).rc).toBe(EINVAL);
  });

  it('checks the interface version first, then the privilege, then everything else', () => {
    const target = bootHost();
    const wrong = new Sysctl('4.18.1', 99).u32(4, 0x11).u32(12, 7);
    expect(hypercall(target, new Guest(), wrong, false).rc).toBe(EACCES);
    expect(hypercall(target, new Guest(), new Sysctl('4.18.1', 99).u32(12, 7), false).rc).toBe(EPERM);
    expect(hypercall(target, new Guest(), new Sysctl('4.18.1', 99).u32(12, 7)).rc).toBe(EINVAL);
    expect(hypercall(target, new Guest(), new Sysctl('4.18.1', 99)).rc).toBe(EOPNOTSUPP);
  });

  it.each([
    ...['4.11.0', '4.13.5', '4.14.0', '4.17.7', '4.18.6'].map(
      (release) => [release, [0], [1, 2, 3, 0x8000_0000]] as const,
    ),
    ...['4.19.0', '4.20.4', '4.22.0'].map((release) => [release, [0, 1, 3, 0x8000_0001], [2, 4, 0x8000_0000]] as const),
  ])('%s accepts the words %j and refuses %j', (release, good, bad) => {
    const target = hostWith({ a: A }, { release });
    const guest = new Guest();
    const name = guest.place(cName('a'));
    const get = (word: number) => hypercall(target, guest, new Sysctl(release, GET).name(name, 2).u32(12, word)).rc;
    for (const word of good) expect(get(word), `word ${word}`).toBe(0);
    for (const word of bad) expect(get(word), `word ${word}`).toBe(EINVAL);
  });

  it.each([4, 5, 0xffff_ffff])('sub-operation %i: EOPNOTSUPP, without copying back', (subOp) => {
    const guest = new Guest();
    const sysctl = new Sysctl('4.18.1', subOp);
    // Read-only: copying back would fail.
    const before = hex(sysctl.bytes);
    const called = hypercall(bootHost(), guest, sysctl);
    expect(called).toMatchObject({ rc: EOPNOTSUPP, hex: before });
  });

  it('copies back after errors, too; if it cannot, EFAULT replaces the result', async () => {
    const { doSysctl } = await import('../../src/hypervisor/index.ts');
    const cases = [
      ['success', new Sysctl('4.18.1', GET), 'a', 0, EFAULT],
      ['ENOENT', new Sysctl('4.18.1', GET), 'b', ENOENT, EFAULT],
      ['EINVAL of the word', new Sysctl('4.18.1', GET).u32(12, 2), 'a', EINVAL, EFAULT],
      ['EOPNOTSUPP', new Sysctl('4.18.1', 9), 'a', EOPNOTSUPP, EOPNOTSUPP],
      ['EOPNOTSUPP of an action', new Sysctl('4.18.1', ACTION).action(5), 'a', EOPNOTSUPP, EOPNOTSUPP],
      ['EACCES', new Sysctl('4.18.1', GET).u32(4, 1), 'a', EACCES, EACCES],
    ] as const;
    for (const [what, sysctl, name, writable, readOnly] of cases) {
      const { hypervisor } = hostWith({ a: A });
      const guest = new Guest();
      sysctl.name(guest.place(cName(name)), 2);
      const handle = guest.place(sysctl.bytes);
      expect(doSysctl(hypervisor, guest, handle), what).toBe(writable);
      guest.readOnly.add(handle);
      expect(doSysctl(hypervisor, guest, handle), what).toBe(readOnly);
    }
  });

  it('EFAULT at the copy-back does not undo the operation', async () => {
    const { doSysctl } = await import('../../src/hypervisor/index.ts');
    const { hypervisor } = hostWith({ a: A });
    const guest = new Guest();
    const handle = guest.place(new Sysctl('4.18.1', ACTION).name(guest.place(cName('a')), 2).action(1).bytes);
    guest.readOnly.add(handle);
    expect(doSysctl(hypervisor, guest, handle)).toBe(EFAULT);
    expect(hypervisor.payloads).toEqual([]);
  });
});

/** A name, the caller's size and padding; the results of GET and ACTION, and of UPLOAD. */
const NAMES: readonly (readonly [
  what: string,
  bytes: Uint8Array | null,
  size: number,
  pad: readonly [number, number, number],
  get: number,
  upload: number,
])[] = [
  ['of no bytes', cName('a'), 0, [0, 0, 0], EINVAL, EINVAL],
  ['of 129 bytes', cName('n'.repeat(128)), 129, [0, 0, 0], EINVAL, EINVAL],
  ['of 128 bytes', cName('n'.repeat(127)), 128, [0, 0, 0], ENOENT, 0],
  ['with padding in the first word', cName('a'), 2, [1, 0, 0], EINVAL, EINVAL],
  ['with padding in the second word', cName('a'), 2, [0, 1, 0], EINVAL, EINVAL],
  ['with padding in the third word', cName('a'), 2, [0, 0, 0x8000], EINVAL, EINVAL],
  ['that is not there', null, 2, [0, 0, 0], EFAULT, EINVAL],
  ['that ends before its size', cName('a'), 3, [0, 0, 0], EFAULT, EINVAL],
  ['without a NUL at its end', cName('ab'), 2, [0, 0, 0], EINVAL, EINVAL],
  ['of a NUL alone', cName(''), 1, [0, 0, 0], ENOENT, 0],
  ['with a NUL in the middle', cName('q\0rest'), 7, [0, 0, 0], ENOENT, 0],
  ['with bytes beyond ASCII', cName('\xff\x01 \x7f'), 5, [0, 0, 0], ENOENT, 0],
];

describe.each(['4.11.0', '4.14.0', '4.18.1', '4.22.0'])('a name under %s', (release) => {
  it.each(NAMES)('%s', (_what, bytes, size, pad, get, upload) => {
    const target = bootHost({ release });
    const guest = new Guest();
    const handle = bytes === null ? 0xdead_0000n : guest.place(bytes);
    expect(hypercall(target, guest, new Sysctl(release, GET).name(handle, size, pad)).rc).toBe(get);
    const action = new Sysctl(release, ACTION).name(handle, size, pad).action(1);
    expect(hypercall(target, guest, action).rc).toBe(get);
    const file = payloadFor({ release, ...A });
    const uploading = new Sysctl(release, UPLOAD).name(handle, size, pad);
    uploading.upload(guest.place(file), BigInt(file.length));
    expect(hypercall(target, guest, uploading).rc).toBe(upload);
    expect(lines(target)).toEqual(upload === 0 ? expect.anything() : []);
  });
});

describe('UPLOAD', () => {
  const call = (
    size: bigint | null,
    options: { handle?: bigint; refused?: boolean; name?: string; file?: Uint8Array } = {},
  ) => {
    const target = hostWith({ a: A });
    const guest = new Guest();
    const { name = 'new', file = payloadFor({ buildId: id(9) }) } = options;
    const payload = options.handle ?? guest.place(file);
    if (options.refused === true) guest.refused.add(payload);
    const sysctl = new Sysctl('4.18.1', UPLOAD).name(guest.place(cName(name)), name.length + 1);
    sysctl.upload(payload, size ?? BigInt(file.length));
    const before = hex(sysctl.bytes);
    const called = hypercall(target, guest, sysctl);
    return { ...called, console: lines(target), same: called.hex === before, target };
  };

  it('valid: 0, with the structure unchanged', () => {
    const { rc, same, target } = call(null);
    expect({ rc, same, names: target.hypervisor.payloads.map(({ name }) => name) }).toEqual({
      rc: 0,
      same: true,
      names: ['a', 'new'],
    });
  });

  it.each([0n, 0x20_0001n, 1n << 32n, (1n << 64n) - 1n])('of %i bytes: EINVAL, silent', (size) => {
    expect(call(size)).toMatchObject({ rc: EINVAL, console: [] });
  });

  it('of 2 MiB is not too large', () => {
    const file = new Uint8Array(0x20_0000);
    file.set(payloadFor({ buildId: id(9) }));
    expect(call(null, { file }).rc).toBe(0);
  });

  it('of unmapped memory: EFAULT, silent', () => {
    expect(call(64n, { handle: 0xdead_0000n })).toMatchObject({ rc: EFAULT, console: [] });
    // One byte less than the caller's size.
    expect(call(BigInt(payloadFor({ buildId: id(9) }).length + 1))).toMatchObject({ rc: EFAULT, console: [] });
  });

  it('of a range that is invalid for a PV caller: EFAULT', () => {
    expect(call(null, { refused: true })).toMatchObject({ rc: EFAULT, console: [] });
  });

  it('checks name, size, range, name again, and memory, in this order', () => {
    expect(call(0n, { name: 'a' }).rc).toBe(EINVAL);
    expect(call(0x20_0001n, { refused: true }).rc).toBe(EINVAL);
    expect(call(null, { name: 'a', refused: true }).rc).toBe(EFAULT);
    expect(call(64n, { name: 'a', handle: 0xdead_0000n }).rc).toBe(EEXIST);
    expect(call(64n, { handle: 0xdead_0000n }).rc).toBe(EFAULT);
  });
});

describe('GET', () => {
  it.each(LAYOUTS)('%s writes state and rc, and nothing else', (release) => {
    const target = hostWith({ a: A }, { release });
    const guest = new Guest();
    const sysctl = new Sysctl(release, GET).name(guest.place(cName('a')), 2);
    const expected = new Sysctl(release, GET).name(sysctl.view.getBigUint64(16, true), 2);
    expect(hypercall(target, guest, sysctl).hex).toBe(hex(expected.u32(32, 1).u32(36, 0).bytes));
    target.schedule('a', 'apply');
    expect(hypercall(target, guest, sysctl).hex).toBe(hex(expected.u32(32, 1).u32(36, -11).bytes));
    target.idle();
    expect(hypercall(target, guest, sysctl).hex).toBe(hex(expected.u32(32, 2).u32(36, 0).bytes));
  });

  it('of an unknown name: ENOENT, with the structure unchanged', () => {
    const guest = new Guest();
    const sysctl = new Sysctl('4.18.1', GET).name(guest.place(cName('b')), 2);
    expect(hypercall(hostWith({ a: A }), guest, sysctl)).toMatchObject({ rc: ENOENT, hex: hex(sysctl.bytes) });
  });

  it('finds a payload by the name up to its first NUL', () => {
    const guest = new Guest();
    const sysctl = new Sysctl('4.18.1', GET).name(guest.place(cName('a\0whatever')), 11);
    expect(hypercall(hostWith({ a: A }), guest, sysctl).rc).toBe(0);
  });
});

describe('ACTION', () => {
  const call = (release: string, fill: (sysctl: Sysctl) => Sysctl, name = 'a') => {
    const target = hostWith({ a: A }, { release });
    const guest = new Guest();
    const sysctl = fill(new Sysctl(release, ACTION).name(guest.place(cName(name)), name.length + 1));
    const called = hypercall(target, guest, sysctl);
    return { target, rc: called.rc, same: called.hex === hex(sysctl.bytes) };
  };

  it.each(LAYOUTS)('%s applies', (release) => {
    const { target, rc, same } = call(release, (sysctl) => sysctl.action(3));
    expect({ rc, same }).toEqual({ rc: 0, same: true });
    target.idle();
    expect(stack(target)).toEqual(['a']);
  });

  it.each([0, 5, 0xffff_ffff])('%i is unknown: EOPNOTSUPP', (cmd) => {
    expect(call('4.18.1', (sysctl) => sysctl.action(cmd)).rc).toBe(EOPNOTSUPP);
  });

  it('checks the name before the action', () => {
    expect(call('4.18.1', (sysctl) => sysctl.action(9), 'b').rc).toBe(ENOENT);
  });

  it('an unknown action is refused after the check for a pending one', () => {
    const target = hostWith({ a: A });
    target.schedule('a', 'apply');
    const guest = new Guest();
    const sysctl = new Sysctl('4.18.1', ACTION).name(guest.place(cName('a')), 2).action(9);
    expect(hypercall(target, guest, sysctl).rc).toBe(-16);
  });

  it.each(['4.14.0', '4.17.7', '4.22.0'])('%s checks that the padding is 0 before it reads the name', (release) => {
    expect(call(release, (sysctl) => sysctl.action(3, 0, 0, 1)).rc).toBe(EINVAL);
    expect(call(release, (sysctl) => sysctl.action(3, 0, 0, 1), 'b').rc).toBe(EINVAL);
    expect(call(release, (sysctl) => sysctl.action(3, 0, 0, 1).name(0xdead_0000n, 2)).rc).toBe(EINVAL);
    expect(call(release, (sysctl) => sysctl.action(3).name(0xdead_0000n, 2)).rc).toBe(EFAULT);
  });

  it.each(['4.11.0', '4.13.5'])('%s has neither flags nor padding', (release) => {
    expect(call(release, (sysctl) => sysctl.action(3, 0, 0xffff_ffff, 0xffff_ffff)).rc).toBe(0);
  });
});

it('LIST is sub-operation 2', () => {
  const sysctl = new Sysctl('4.18.1', LIST).u32(20, 0).u32(24, 0).u32(28, 0);
  expect(hypercall(bootHost(), new Guest(), sysctl).rc).toBe(0);
});
