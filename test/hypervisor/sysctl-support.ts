import { doSysctl, enter, type GuestMemory, type SimulatedTarget } from '../../src/hypervisor/index.ts';
import { releaseNamed } from './support.ts';

/**
 * `struct xen_sysctl` by hand: the offsets are those of xen/include/public/sysctl.h, written down anew, so that nothing here is taken
 * from the code under test.
 */

/** The caller's memory: pieces at addresses, with nothing in between. */
export class Guest implements GuestMemory {
  readonly pieces = new Map<bigint, Uint8Array>();
  readonly readOnly = new Set<bigint>();
  /** Handles that guest_handle_okay refuses. */
  readonly refused = new Set<bigint>();
  #next = 0x10_0000n;

  place(bytes: Uint8Array | number): bigint {
    const at = this.#next;
    this.pieces.set(at, typeof bytes === 'number' ? new Uint8Array(bytes) : bytes.slice());
    this.#next += 0x100_0000n;
    return at;
  }

  at(handle: bigint): Uint8Array {
    return this.pieces.get(handle) as Uint8Array;
  }

  #window(handle: bigint, length: number, writing: boolean): Uint8Array | undefined {
    for (const [start, bytes] of this.pieces) {
      if (handle < start || handle + BigInt(length) > start + BigInt(bytes.length)) continue;
      if (writing && this.readOnly.has(start)) return undefined;
      return bytes.subarray(Number(handle - start), Number(handle - start) + length);
    }
    return undefined;
  }

  read(handle: bigint, length: number): Uint8Array | undefined {
    return this.#window(handle, length, false)?.slice();
  }

  write(handle: bigint, bytes: Uint8Array): boolean {
    if (bytes.length === 0) return true;
    const window = this.#window(handle, bytes.length, true);
    window?.set(bytes);
    return window !== undefined;
  }

  okay(handle: bigint): boolean {
    return ![...this.refused].some((start) => handle >= start && handle < start + 0x100_0000n);
  }
}

/** XEN_SYSCTL_INTERFACE_VERSION by branch. */
export const INTERFACE_VERSION: Readonly<Record<string, number>> = {
  '4.11': 0x11,
  '4.12': 0x12,
  '4.13': 0x12,
  '4.14': 0x13,
  '4.15': 0x13,
  '4.16': 0x14,
  '4.17': 0x15,
  '4.18': 0x15,
  '4.19': 0x15,
  '4.20': 0x15,
  '4.21': 0x16,
  '4.22': 0x16,
};

export const UPLOAD = 0;
export const GET = 1;
export const LIST = 2;
export const ACTION = 3;

/** A livepatch operation's header in 136 bytes of 0xaa; no call may change bytes that it does not set. */
export class Sysctl {
  readonly bytes = new Uint8Array(136).fill(0xaa);
  readonly view = new DataView(this.bytes.buffer);

  constructor(version: string, subOp: number) {
    const branch = version.split('.').slice(0, 2).join('.');
    this.u32(0, 27)
      .u32(4, INTERFACE_VERSION[branch] as number)
      .u32(8, subOp)
      .u32(12, 0);
  }

  u16(at: number, value: number): this {
    this.view.setUint16(at, value, true);
    return this;
  }

  u32(at: number, value: number): this {
    this.view.setUint32(at, value, true);
    return this;
  }

  u64(at: number, value: bigint): this {
    this.view.setBigUint64(at, value, true);
    return this;
  }

  /** `struct xen_livepatch_name` at offset 16, the first member of upload, get and action. */
  name(handle: bigint, size: number, pad: readonly [number, number, number] = [0, 0, 0]): this {
    this.u64(16, handle).u16(24, size);
    pad.forEach((word, i) => {
      this.u16(26 + 2 * i, word);
    });
    return this;
  }

  upload(payload: bigint, size: bigint): this {
    return this.u64(32, size).u64(40, payload);
  }

  action(cmd: number, timeout = 0, flags = 0, pad = 0): this {
    return this.u32(32, cmd).u32(36, timeout).u32(40, flags).u32(44, pad);
  }
}

export interface ListHandles {
  readonly status: bigint;
  readonly names: bigint;
  readonly len: bigint;
  readonly metadata: bigint;
  readonly metadataLen: bigint;
}

export interface ListFields extends Partial<ListHandles> {
  readonly idx?: number;
  readonly nr?: number;
  readonly pad?: number;
  readonly nameTotalSize?: number;
  readonly metadataTotalSize?: number;
}

/** A LIST in the layout of a release: version 16, idx 20, nr 24, pad 28; sizes 32 and 36 only since 4.14. */
export function listSysctl(version: string, fields: ListFields): Sysctl {
  const { idx = 0, nr = 0, pad = 0, status = 0n, names = 0n, len = 0n } = fields;
  const sysctl = new Sysctl(version, LIST).u32(20, idx).u32(24, nr).u32(28, pad);
  if (releaseNamed(version).payloadVersion === 1) return sysctl.u64(32, status).u64(40, names).u64(48, len);
  const { nameTotalSize = 0, metadataTotalSize = 0, metadata = 0n, metadataLen = 0n } = fields;
  return sysctl
    .u32(32, nameTotalSize)
    .u32(36, metadataTotalSize)
    .u64(40, status)
    .u64(48, names)
    .u64(56, len)
    .u64(64, metadata)
    .u64(72, metadataLen);
}

export interface Called {
  /** `null` if the host died. */
  readonly rc: number | null;
  /** The caller's structure after the call. */
  readonly after: DataView;
  /** The same in hex. */
  readonly hex: string;
}

/** The hypercall. */
export function hypercall(target: SimulatedTarget, guest: Guest, sysctl: Sysctl, privileged = true): Called {
  const handle = guest.place(sysctl.bytes);
  const rc = enter(target.hypervisor, () => doSysctl(target.hypervisor, guest, handle, privileged));
  const bytes = guest.at(handle);
  return {
    rc: rc ?? null,
    after: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    hex: hex(bytes),
  };
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A name with its NUL. */
export const cName = (text: string): Uint8Array => new Uint8Array(Buffer.from(`${text}\0`, 'latin1'));
