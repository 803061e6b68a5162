import { cString, toNumber } from '../base/index.ts';
import {
  type ActionOp,
  decodeLivepatchSysctl,
  ERRNO,
  type KnownOp,
  type LivepatchName,
  livepatchOpWordOk,
  type UploadOp,
  writeLivepatchOp,
  XEN_LIVEPATCH_NAME_SIZE,
  XEN_SYSCTL_LIVEPATCH_OP,
  XEN_SYSCTL_SIZE,
} from '../xen/index.ts';
import { livepatchAction } from './actions.ts';
import type { GuestMemory } from './guest-memory.ts';
import { type Hypervisor, within } from './hypervisor.ts';
import { ACTION_BY_NUMBER, livepatchGet, livepatchList } from './list.ts';
import { refuseSilently } from './refusal.ts';
import { livepatchUpload, verifyUploadSize } from './upload.ts';

/**
 * do_sysctl: decodes and performs one call. `handle` is the address of the caller's `struct xen_sysctl`. Returns 0, a count, or a negated
 * errno; copies the structure back even after errors.
 * Source: xen/common/sysctl.c.
 */
export function doSysctl(hv: Hypervisor, guest: GuestMemory, handle: bigint, privileged = true): number {
  return within(hv, 'do_sysctl', () => {
    const bytes = guest.read(handle, XEN_SYSCTL_SIZE);
    if (bytes === undefined) return -ERRNO.EFAULT;
    const sysctl = decodeLivepatchSysctl(hv.release, bytes);
    if (sysctl.interfaceVersion !== hv.release.sysctlInterfaceVersion) {
      const asked = `0x${sysctl.interfaceVersion.toString(16)}`;
      const known = `0x${hv.release.sysctlInterfaceVersion.toString(16)}`;
      const message = `the caller uses sysctl interface ${asked}, this hypervisor ${known}`;
      return refuseSilently(hv, { rule: 'interface-version', errno: 'EACCES', message });
    }
    if (!privileged) return -ERRNO.EPERM;
    if (sysctl.cmd !== XEN_SYSCTL_LIVEPATCH_OP) return -ERRNO.EOPNOTSUPP;
    if (!hv.image.configured('CONFIG_LIVEPATCH')) {
      const message = 'this hypervisor was built without CONFIG_LIVEPATCH';
      return refuseSilently(hv, { rule: 'no-livepatch', errno: 'ENOSYS', message });
    }
    const rc = within(hv, 'livepatch_op', () => livepatchOp(hv, sysctl.word, sysctl.op, guest, bytes));
    if (rc === -ERRNO.ENOSYS || rc === -ERRNO.EOPNOTSUPP) return rc;
    return guest.write(handle, bytes) ? rc : -ERRNO.EFAULT;
  });
}

/** livepatch_op. Writes OUT members into `bytes`. */
function livepatchOp(
  hv: Hypervisor,
  word: number,
  op: ReturnType<typeof decodeLivepatchSysctl>['op'],
  guest: GuestMemory,
  bytes: Uint8Array,
): number {
  if (!livepatchOpWordOk(hv.release, word)) return -ERRNO.EINVAL;
  const out = (changed: KnownOp): void => writeLivepatchOp(hv.release, bytes, changed);
  switch (op.kind) {
    case 'upload':
      return upload(hv, op, guest);
    case 'get': {
      const name = getName(guest, op.name);
      if (typeof name === 'number') return name;
      const got = livepatchGet(hv, name);
      if (got.out !== undefined) out({ ...op, ...got.out });
      return got.rc;
    }
    case 'list': {
      const listed = livepatchList(hv, op, guest);
      if (listed.out !== undefined) out({ ...op, ...listed.out });
      return listed.rc;
    }
    case 'action':
      return action(hv, op, guest);
    case 'unknown':
      return -ERRNO.EOPNOTSUPP;
  }
}

/** get_name: reads the name, which ends at the first NUL. */
function getName(guest: GuestMemory, { name, size, pad }: LivepatchName): string | number {
  if (size === 0 || size > XEN_LIVEPATCH_NAME_SIZE || pad.some((word) => word !== 0)) return -ERRNO.EINVAL;
  const bytes = guest.read(name, size);
  if (bytes === undefined) return -ERRNO.EFAULT;
  return bytes[size - 1] === 0 ? cString(bytes, 0) : -ERRNO.EINVAL;
}

function upload(hv: Hypervisor, op: UploadOp, guest: GuestMemory): number {
  const name = getName(guest, op.name);
  // verify_payload returns EINVAL for any bad name.
  if (typeof name === 'number') {
    const message = `invalid payload name: must be 1 to ${XEN_LIVEPATCH_NAME_SIZE} bytes including the NUL`;
    return refuseSilently(hv, { rule: 'bad-name', errno: 'EINVAL', message });
  }
  const rc = verifyUploadSize(hv, op.size);
  if (rc !== 0) return rc;
  const size = toNumber(op.size) ?? 0;
  if (!guest.okay(op.payload, size)) return -ERRNO.EFAULT;
  const file = guest.read(op.payload, size);
  return livepatchUpload(hv, name, file);
}

function action(hv: Hypervisor, op: ActionOp, guest: GuestMemory): number {
  if (op.pad !== 0) return -ERRNO.EINVAL;
  const name = getName(guest, op.name);
  if (typeof name === 'number') return name;
  return livepatchAction(hv, { name, action: ACTION_BY_NUMBER[op.action], timeout: op.timeout, flags: op.flags });
}
