/** Observations of a hypervisor from its dom0: each returns text, to compare with a patch's effect. */
import { record, viewOf } from '../../../src/base/index.ts';
import { GuestArena, type QemuTarget } from '../../../src/targets/index.ts';
import { rcOf } from '../../support/answers.ts';

/** An observation. It leaves nothing that another one would see. */
export type Look = (host: QemuTarget) => Promise<string>;

/** Hypercalls. Source: xen/include/public/xen.h. */
const HYPERVISOR_PLATFORM_OP = 7;
const HYPERVISOR_XEN_VERSION = 17;
const HYPERVISOR_SET_SEGMENT_BASE = 25;
const HYPERVISOR_EVENT_CHANNEL_OP = 32;
const HYPERVISOR_DOMCTL = 36;

/** Of xen_version. Source: xen/include/public/version.h. */
const XENVER_GET_FEATURES = 6;
/** Source: xen/include/public/arch-x86/xen-x86_64.h. */
const SEGBASE_GS_USER_SEL = 3;

/** Presses a key of the serial console; the lines that it prints. */
export const key =
  (name: string): Look =>
  async (host) => {
    await host.takeConsole();
    const pressed = await host.press(name);
    if (rcOf(pressed) !== 0) return `rc ${rcOf(pressed)}`;
    return (await host.takeConsole()).join('\n');
  };

/** The result of a hypercall without memory. */
const result =
  (number: number, ...args: readonly bigint[]): Look =>
  async (host) =>
    String(rcOf(await host.hypercall(new GuestArena(), number, args)));

/** An invalid event channel operation. */
export const noEventChannelOp: Look = result(HYPERVISOR_EVENT_CHANNEL_OP, 99n, 0n);

/**
 * A selector for the user's %gs that no descriptor table has: loading it faults in the hypervisor, whose fix-up loads the
 * null selector instead. 0 either way; what is printed comes behind it.
 */
export const badSelector: Look = async (host) => {
  await host.takeConsole();
  const rc = await result(HYPERVISOR_SET_SEGMENT_BASE, BigInt(SEGBASE_GS_USER_SEL), 0xfff3n)(host);
  return [`rc ${rc}`, ...(await host.takeConsole())].join('\n');
};

/** An invalid feature set. */
export const noFeatures: Look = async (host) => {
  const arena = new GuestArena();
  const set = arena.placeOutput(Uint8Array.of(77, 0, 0, 0, 0, 0, 0, 0));
  return String(rcOf(await host.hypercall(arena, HYPERVISOR_XEN_VERSION, [BigInt(XENVER_GET_FEATURES), set])));
};

/** Of `struct xen_domctl`, whose size is 16 bytes and a union of 128. Source: xen/include/public/domctl.h. */
const DOMCTL_SIZE = 16 + 128;

/** A domctl with an invalid interface version. */
export const foreignDomctl: Look = async (host) => {
  const arena = new GuestArena();
  const bytes = new Uint8Array(DOMCTL_SIZE);
  viewOf(bytes).setUint32(0, 1, true);
  viewOf(bytes).setUint32(4, 0xfff, true);
  return String(rcOf(await host.hypercall(arena, HYPERVISOR_DOMCTL, [arena.placeOutput(bytes)])));
};

/** `struct xen_platform_op` with XENPF_resource_op, and an entry of it. Source: xen/include/public/platform.h of 4.17. */
const RESOURCE_OP = record('xen_platform_op', {
  cmd: 'u32',
  interface_version: 'u32',
  nr_entries: 'u32',
  cpu: 'u32',
  entries: 'u64',
});
const RESOURCE_ENTRY = record('xenpf_resource_entry', { cmd: 'u32', rsvd: 'u32', idx: 'u64', val: 'u64' });
const PLATFORM_OP_SIZE = 8 + 128;
const XENPF_INTERFACE_VERSION = 0x0300_0001;
const XENPF_RESOURCE_OP = 61;
const XEN_RESOURCE_OP_MSR_READ = 0;
const MSR_IA32_TSC = 0x10n;

/** Number of reads of the time stamp counter: enough that 12 trailing zeros in all cannot be chance. */
const READS = 8;

/** Do all time stamps that the hypervisor reads for dom0 end in 12 zero bits? */
export const roundedTsc: Look = async (host) => {
  const seen: bigint[] = [];
  for (let i = 0; i < READS; i++) {
    const arena = new GuestArena();
    const entry = new Uint8Array(RESOURCE_ENTRY.size);
    RESOURCE_ENTRY.write(viewOf(entry), 0, { cmd: XEN_RESOURCE_OP_MSR_READ, rsvd: 0, idx: MSR_IA32_TSC, val: 0n });
    const entries = arena.placeOutput(entry);
    const op = new Uint8Array(PLATFORM_OP_SIZE);
    RESOURCE_OP.write(viewOf(op), 0, {
      cmd: XENPF_RESOURCE_OP,
      interface_version: XENPF_INTERFACE_VERSION,
      nr_entries: 1,
      cpu: 0,
      entries,
    });
    const done = rcOf(await host.hypercall(arena, HYPERVISOR_PLATFORM_OP, [arena.placeOutput(op)]));
    if (done !== 1) return `rc ${done}`;
    seen.push(RESOURCE_ENTRY.read(viewOf(arena.output(entries)), 0).val);
  }
  return seen.every((value) => value !== 0n && (value & 0xfffn) === 0n) ? 'rounded' : 'exact';
};

/** Returns XENVER_changeset; `dead` if the hypervisor dies in the call. */
export const changeset: Look = async (host) => (await host.versionString('changeset')) ?? 'dead';
