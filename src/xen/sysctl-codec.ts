import { assert, type RecordValue, viewOf } from '../base/index.ts';
import type { Release } from './release.ts';
import {
  XEN_SYSCTL_LIVEPATCH_ACTION,
  XEN_SYSCTL_LIVEPATCH_GET,
  XEN_SYSCTL_LIVEPATCH_LIST,
  XEN_SYSCTL_LIVEPATCH_OP,
  XEN_SYSCTL_LIVEPATCH_UPLOAD,
  XEN_SYSCTL_SIZE,
} from './sysctl.ts';
import {
  type LIVEPATCH_NAME,
  SYSCTL_LIVEPATCH_ACTION_V1,
  SYSCTL_LIVEPATCH_ACTION_V2,
  SYSCTL_LIVEPATCH_GET,
  SYSCTL_LIVEPATCH_HEAD,
  SYSCTL_LIVEPATCH_LIST_V1,
  SYSCTL_LIVEPATCH_LIST_V2,
  SYSCTL_LIVEPATCH_UNION,
  SYSCTL_LIVEPATCH_UPLOAD,
} from './sysctl-records.ts';

/**
 * Encodes and decodes the 136 bytes of `struct xen_sysctl` for XEN_SYSCTL_livepatch_op. A value has the IN and OUT members of its
 * structure, so the same functions serve request and copy-back. Names, payloads and arrays are guest handles (addresses); their
 * contents are elsewhere.
 */

/** Members of a release that determine the layout. */
export type SysctlAbi = Pick<Release, 'sysctlInterfaceVersion' | 'actionFlags' | 'listMetadata'>;

/** `struct xen_livepatch_name`. */
export interface LivepatchName {
  /** Guest handle of the name. */
  readonly name: bigint;
  /** Bytes, including the NUL. */
  readonly size: number;
  /** Must be zero. */
  readonly pad: readonly [number, number, number];
}

export interface UploadOp {
  readonly kind: 'upload';
  readonly name: LivepatchName;
  readonly size: bigint;
  /** Guest handle of the payload. */
  readonly payload: bigint;
}

export interface GetOp {
  readonly kind: 'get';
  readonly name: LivepatchName;
  /** OUT. */
  readonly state: number;
  /** OUT. */
  readonly rc: number;
}

/** Members that a release does not have are 0. */
export interface ListOp {
  readonly kind: 'list';
  /** OUT. */
  readonly version: number;
  readonly idx: number;
  /** IN: requested entries; OUT: entries left. */
  readonly nr: number;
  readonly pad: number;
  /** OUT since 4.14, also IN since 4.21. */
  readonly nameTotalSize: number;
  /** OUT since 4.14, also IN since 4.21. */
  readonly metadataTotalSize: number;
  /** Guest handle of an array of `LIVEPATCH_STATUS`. */
  readonly status: bigint;
  /** Guest handle of the names: 128 bytes each up to 4.13, back to back since. */
  readonly names: bigint;
  /** Guest handle of an array of u32. */
  readonly len: bigint;
  /** Guest handle of the metadata, back to back. */
  readonly metadata: bigint;
  /** Guest handle of an array of u32. */
  readonly metadataLen: bigint;
}

/** `flags` and `pad` are 0 in releases without them. */
export interface ActionOp {
  readonly kind: 'action';
  readonly name: LivepatchName;
  /** LIVEPATCH_ACTION_*. Xen refuses other numbers later than most other mistakes. */
  readonly action: number;
  /** Nanoseconds. */
  readonly timeout: number;
  readonly flags: number;
  readonly pad: number;
}

/** A sub-operation that Xen lacks (-EOPNOTSUPP), or a different sysctl. */
export interface UnknownOp {
  readonly kind: 'unknown';
}

export type LivepatchOp = UploadOp | GetOp | ListOp | ActionOp | UnknownOp;

/** A decoded `struct xen_sysctl`. */
export interface LivepatchSysctl {
  /** `cmd`: XEN_SYSCTL_LIVEPATCH_OP, or a different sysctl, whose `op` is `unknown`. */
  readonly cmd: number;
  readonly interfaceVersion: number;
  /** `cmd` of the livepatch operation. */
  readonly subOp: number;
  /** `pad` or `flags` of the operation; see `livepatchOpWordOk`. */
  readonly word: number;
  readonly op: LivepatchOp;
}

/** Numbers of the sub-operations. */
export const LIVEPATCH_SUB_OPS = {
  upload: XEN_SYSCTL_LIVEPATCH_UPLOAD,
  get: XEN_SYSCTL_LIVEPATCH_GET,
  list: XEN_SYSCTL_LIVEPATCH_LIST,
  action: XEN_SYSCTL_LIVEPATCH_ACTION,
} as const;

type NameFields = RecordValue<typeof LIVEPATCH_NAME.fields>;

const readName = (raw: NameFields): LivepatchName => ({
  name: raw.name,
  size: raw.name_size,
  pad: [raw.pad0, raw.pad1, raw.pad2],
});

const writeName = (value: LivepatchName): NameFields => ({
  name: value.name,
  name_size: value.size,
  pad0: value.pad[0],
  pad1: value.pad[1],
  pad2: value.pad[2],
});

const AT = SYSCTL_LIVEPATCH_UNION;

/** A sub-operation that Xen knows. */
export type KnownOp = Exclude<LivepatchOp, UnknownOp>;
type Kind = KnownOp['kind'];

interface Codec<Op> {
  read(abi: SysctlAbi, view: DataView): Op;
  write(abi: SysctlAbi, view: DataView, op: Op): void;
}

const upload: Codec<UploadOp> = {
  read(_abi, view) {
    const raw = SYSCTL_LIVEPATCH_UPLOAD.read(view, AT);
    return { kind: 'upload', name: readName(raw), size: raw.size, payload: raw.payload };
  },
  write(_abi, view, op) {
    SYSCTL_LIVEPATCH_UPLOAD.write(view, AT, { ...writeName(op.name), size: op.size, payload: op.payload });
  },
};

const get: Codec<GetOp> = {
  read(_abi, view) {
    const raw = SYSCTL_LIVEPATCH_GET.read(view, AT);
    return { kind: 'get', name: readName(raw), state: raw.state, rc: raw.rc };
  },
  write(_abi, view, op) {
    SYSCTL_LIVEPATCH_GET.write(view, AT, { ...writeName(op.name), state: op.state, rc: op.rc });
  },
};

const list: Codec<ListOp> = {
  read(abi, view) {
    const common = (raw: RecordValue<typeof SYSCTL_LIVEPATCH_LIST_V1.fields>) => ({
      kind: 'list' as const,
      version: raw.version,
      idx: raw.idx,
      nr: raw.nr,
      pad: raw.pad,
      status: raw.status,
      names: raw.name,
      len: raw.len,
    });
    if (!abi.listMetadata) {
      const raw = SYSCTL_LIVEPATCH_LIST_V1.read(view, AT);
      return { ...common(raw), nameTotalSize: 0, metadataTotalSize: 0, metadata: 0n, metadataLen: 0n };
    }
    const raw = SYSCTL_LIVEPATCH_LIST_V2.read(view, AT);
    return {
      ...common(raw),
      nameTotalSize: raw.name_total_size,
      metadataTotalSize: raw.metadata_total_size,
      metadata: raw.metadata,
      metadataLen: raw.metadata_len,
    };
  },
  write(abi, view, op) {
    const { version, idx, nr, pad, status, len } = op;
    const common = { version, idx, nr, pad, status, name: op.names, len };
    if (!abi.listMetadata) {
      SYSCTL_LIVEPATCH_LIST_V1.write(view, AT, common);
      return;
    }
    SYSCTL_LIVEPATCH_LIST_V2.write(view, AT, {
      ...common,
      name_total_size: op.nameTotalSize,
      metadata_total_size: op.metadataTotalSize,
      metadata: op.metadata,
      metadata_len: op.metadataLen,
    });
  },
};

const action: Codec<ActionOp> = {
  read(abi, view) {
    const raw = abi.actionFlags
      ? SYSCTL_LIVEPATCH_ACTION_V2.read(view, AT)
      : { ...SYSCTL_LIVEPATCH_ACTION_V1.read(view, AT), flags: 0, pad: 0 };
    return {
      kind: 'action',
      name: readName(raw),
      action: raw.cmd,
      timeout: raw.timeout,
      flags: raw.flags,
      pad: raw.pad,
    };
  },
  write(abi, view, op) {
    const common = { ...writeName(op.name), cmd: op.action, timeout: op.timeout };
    if (abi.actionFlags) SYSCTL_LIVEPATCH_ACTION_V2.write(view, AT, { ...common, flags: op.flags, pad: op.pad });
    else SYSCTL_LIVEPATCH_ACTION_V1.write(view, AT, common);
  },
};

const CODECS: { readonly [K in Kind]: Codec<Extract<KnownOp, { kind: K }>> } = { upload, get, list, action };

const KINDS = new Map<number, Kind>(Object.entries(LIVEPATCH_SUB_OPS).map(([kind, number]) => [number, kind as Kind]));

/** Returns the codec for this operation. TypeScript cannot see that the two kinds are equal. */
const codecOf = (op: KnownOp): Codec<KnownOp> => CODECS[op.kind] as Codec<KnownOp>;

/** Decodes the 136 bytes of a `struct xen_sysctl`; accepts any contents. */
export function decodeLivepatchSysctl(abi: SysctlAbi, bytes: Uint8Array): LivepatchSysctl {
  assert(bytes.length === XEN_SYSCTL_SIZE, `struct xen_sysctl has ${XEN_SYSCTL_SIZE} bytes, got ${bytes.length}`);
  const view = viewOf(bytes);
  const head = SYSCTL_LIVEPATCH_HEAD.read(view, 0);
  const kind = head.cmd === XEN_SYSCTL_LIVEPATCH_OP ? KINDS.get(head.livepatch_cmd) : undefined;
  return {
    cmd: head.cmd,
    interfaceVersion: head.interface_version,
    subOp: head.livepatch_cmd,
    word: head.word,
    op: kind === undefined ? { kind: 'unknown' } : CODECS[kind].read(abi, view),
  };
}

/** Defaults of `encodeLivepatchSysctl`. */
export interface EncodeOptions {
  /** `pad` or `flags` of the operation; 0 by default. */
  readonly word?: number;
  /** The release's own by default. */
  readonly interfaceVersion?: number;
}

/** Returns a new `struct xen_sysctl` with this sub-operation. Bytes outside members are zero. */
export function encodeLivepatchSysctl(abi: SysctlAbi, op: KnownOp, options: EncodeOptions = {}): Uint8Array {
  const bytes = new Uint8Array(XEN_SYSCTL_SIZE);
  const view = viewOf(bytes);
  SYSCTL_LIVEPATCH_HEAD.write(view, 0, {
    cmd: XEN_SYSCTL_LIVEPATCH_OP,
    interface_version: options.interfaceVersion ?? abi.sysctlInterfaceVersion,
    livepatch_cmd: LIVEPATCH_SUB_OPS[op.kind],
    word: options.word ?? 0,
  });
  codecOf(op).write(abi, view, op);
  return bytes;
}

/** Writes the members of a sub-operation into an existing `struct xen_sysctl`, as Xen does before the copy-back. */
export function writeLivepatchOp(abi: SysctlAbi, bytes: Uint8Array, op: KnownOp): void {
  assert(bytes.length === XEN_SYSCTL_SIZE, `struct xen_sysctl has ${XEN_SYSCTL_SIZE} bytes, got ${bytes.length}`);
  codecOf(op).write(abi, viewOf(bytes), op);
}

/** Returns a well-formed `struct xen_livepatch_name` of `size` bytes, including the NUL. */
export const livepatchName = (name: bigint, size: number): LivepatchName => ({ name, size, pad: [0, 0, 0] });
