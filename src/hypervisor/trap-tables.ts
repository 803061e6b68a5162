import { type Address, addOffset, viewOf } from '../base/index.ts';
import { type BugFrameType, decodeExTableEntry, EX_TABLE_ENTRY, sortExTable } from '../xen/index.ts';
import type { Hypervisor } from './hypervisor.ts';
import type { LoadedPayload } from './payload.ts';

/** Returns the owner of the region that contains an address: a registered payload, or `null` for the hypervisor. `undefined` without a region. */
export function findTextRegion(
  hv: Hypervisor,
  address: Address,
): { readonly payload: LoadedPayload | null } | undefined {
  const region = hv.regions.find(({ textStart, textEnd }) => address >= textStart && address < textEnd);
  if (region === undefined) return undefined;
  return { payload: hv.payloads.find((each) => each.region === region) ?? null };
}

/** is_active_kernel_text: whether an address is in the text of a registered region. */
export const isActiveKernelText = (hv: Hypervisor, address: Address): boolean =>
  findTextRegion(hv, address) !== undefined;

/** A bug frame that was found. Addresses of strings; `null` if this kind of frame has none. */
export interface FoundBugFrame {
  readonly type: BugFrameType;
  readonly line: number;
  /** Of the file name or, for `run_fn`, of the function; `null` if the first argument register contains it. */
  readonly pointer: Address | null;
  /** Of an assertion's condition. */
  readonly message: Address | null;
}

/**
 * Finds the bug frame of a trapping instruction in its region, kind by kind. Reads the frames from memory, and may fault.
 * Source: xen/arch/x86/traps.c, do_invalid_op; since 4.18 xen/common/bug.c.
 */
export function findBugFrame(hv: Hypervisor, address: Address): FoundBugFrame | undefined {
  const region = findTextRegion(hv, address);
  if (region === undefined) return undefined;
  if (region.payload !== null && hv.arch.execution.bugFramesOfPayloads === 'not-looked-at') return undefined;
  const { bugFrames } = region.payload?.trapTables ?? hv.image.trapTables;
  for (const [number, type] of hv.arch.bugFrames.types(hv.release).entries()) {
    const range = bugFrames[number];
    if (range === undefined) continue;
    const bytes = hv.machine.space.read(range.start, Number(range.end - range.start));
    const view = viewOf(bytes);
    const { size } = hv.arch.bugFrames;
    for (let at = 0; at + size <= bytes.length; at += size) {
      const frame = hv.arch.bugFrames.decode(view, at, type);
      if (addOffset(range.start, at + frame.loc) !== address) continue;
      const place = (displacement: number | null): Address | null =>
        displacement === null ? null : addOffset(range.start, at + displacement);
      return { type, line: frame.line, pointer: place(frame.pointer), message: place(frame.message) };
    }
  }
  return undefined;
}

/**
 * search_exception_table: returns the address of the fix-up for a fault, from the region of the faulting address only; `undefined` if there is
 * none. Source: xen/arch/x86/extable.c.
 */
export function searchExceptionTable(hv: Hypervisor, address: Address): Address | undefined {
  const region = findTextRegion(hv, address);
  const range = region?.payload === null ? hv.image.trapTables.exTable : region?.payload.trapTables.exTable;
  if (range === undefined || range === null) return undefined;
  const table = hv.machine.space.read(range.start, Number(range.end - range.start));
  const view = viewOf(table);
  // A payload's table is sorted in its own memory. Xen sorts its own at boot, so the file's is not.
  if (region?.payload === null) sortExTable(view);
  for (let first = 0, last = Math.floor(table.length / EX_TABLE_ENTRY.size) - 1; first <= last; ) {
    const middle = first + Math.trunc((last - first) / 2);
    const entry = decodeExTableEntry(view, middle * EX_TABLE_ENTRY.size, range.start);
    if (entry.addr === address) return entry.cont === 0n ? undefined : entry.cont;
    if (entry.addr < address) first = middle + 1;
    else last = middle - 1;
  }
  return undefined;
}

/** Longest file name or condition read. */
const TEXT_LIMIT = 1024;

/** Returns the string of a bug frame; `undefined` if Xen rejects the address. Source: is_kernel, is_patch. */
export function bugFrameText(hv: Hypervisor, address: Address | null): string | undefined {
  if (address === null) return undefined;
  const known = isKernel(hv, address) || (hv.arch.execution.bugFramesOfPayloads === 'handled' && isPatch(hv, address));
  if (!known) return undefined;
  return hv.machine.space.readCString(address, TEXT_LIMIT);
}

/** is_kernel: whether an address is inside the image. */
const isKernel = (hv: Hypervisor, address: Address): boolean =>
  hv.image.regions.some(({ start, end }) => address >= start && address < end);

/** is_patch: whether an address is in the pages of a loaded payload. Source: xen/common/livepatch.c. */
export function isPatch(hv: Hypervisor, address: Address): boolean {
  return hv.payloads.some(({ text, rw, ro }) =>
    [text, rw, ro].some(({ addr, size }) => address >= addr && address < addr + BigInt(size)),
  );
}
