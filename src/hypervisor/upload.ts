import { ERRNO, LIVEPATCH_MAX_SIZE, PAGE_SIZE } from '../xen/index.ts';
import { checkXenBuildId, xenBuildIdDep } from './build-id.ts';
import { livepatchElfLoad } from './elf-load.ts';
import { PrivateFunctionStates } from './function-state.ts';
import { type Hypervisor, report, within } from './hypervisor.ts';
import { movePayload } from './move-payload.ts';
import type { LoadedPayload } from './payload.ts';
import { performRelocs } from './perform-relocs.ts';
import { preparePayload } from './prepare-payload.ts';
import { firstRefusal, refuseSilently } from './refusal.ts';
import { resolveSymbols } from './resolve-symbols.ts';
import { securePayload } from './secure-payload.ts';
import { checkPatchingSections, checkSpecialSections } from './special-sections.ts';
import { buildSymbolTable } from './symbol-table.ts';
import { UploadBuffer } from './upload-buffer.ts';
import { registerRegion, unregisterRegion } from './virtual-region.ts';

/** verify_payload: checks the size of an upload; returns 0 or a negated errno. Source: xen/common/livepatch.c. */
export function verifyUploadSize(hv: Hypervisor, size: bigint): number {
  if (size > 0n && size <= BigInt(LIVEPATCH_MAX_SIZE)) return 0;
  const message =
    size === 0n ? 'the file is empty' : `the file has ${size} bytes, more than ${LIVEPATCH_MAX_SIZE} (2 MiB)`;
  return refuseSilently(hv, { rule: 'upload-size', errno: 'EINVAL', message });
}

/**
 * livepatch_upload: checks the name and loads the file; on success the payload is CHECKED and last in the list. `file` is what was copied from
 * the caller, or `undefined` if that failed. A failed upload leaves no trace.
 * Source: xen/common/livepatch.c.
 */
export function livepatchUpload(hv: Hypervisor, name: string, file: Uint8Array | undefined): number {
  return within(hv, 'livepatch_upload', () => {
    if (hv.payloads.some((payload) => payload.name === name)) {
      const message = `a payload named ${name} is already loaded`;
      return refuseSilently(hv, { rule: 'name-taken', errno: 'EEXIST', message });
    }
    // Xen copies the file only once the name is known to be free.
    if (file === undefined) return -ERRNO.EFAULT;
    const payload = newPayload(name);
    const place = hv.uploadBuffer(Math.ceil(file.length / PAGE_SIZE));
    const onWildRead = (offset: bigint): void => {
      const message = `a section's offset or size makes Xen read outside the file, at 0x${offset.toString(16)}`;
      report(hv, 'wild-read', message);
    };
    const buffer = new UploadBuffer(file, place, hv.machine.space, onWildRead, hv.arch.elf.pointerSize);
    const rc = loadPayloadData(hv, payload, buffer);
    if (rc === 0) {
      payload.state = 'CHECKED';
      if (hv.release.regionRegistered === 'load') registerRegion(hv, payload.region);
      hv.payloads.push(payload);
      hv.payloadVersion++;
    } else {
      freePayloadData(hv, payload);
    }
    buffer.free();
    return rc;
  });
}

/** load_payload_data: runs the stages in the release's order; the first that refuses ends it. */
function loadPayloadData(hv: Hypervisor, payload: LoadedPayload, buffer: UploadBuffer): number {
  return within(hv, 'load_payload_data', () => {
    const elf = livepatchElfLoad(hv, payload.name, buffer);
    if (typeof elf === 'number') return elf;
    return firstRefusal([
      () => (hv.release.xenDepends === 'before-move' ? checkXenBuildId(hv, elf) : 0),
      () => movePayload(hv, payload, elf),
      () => resolveSymbols(hv, elf),
      () => performRelocs(hv, elf),
      () => checkSpecialSections(hv, elf),
      () => checkPatchingSections(hv, elf),
      () => preparePayload(hv, payload, elf),
      () => (hv.release.xenDepends === 'after-prepare' ? xenBuildIdDep(hv, payload) : 0),
      () => buildSymbolTable(hv, payload, elf),
      () => securePayload(hv, payload),
    ]);
  });
}

/** Returns a payload of which only the name is known. */
export function newPayload(name: string): LoadedPayload {
  return {
    name,
    state: 'CHECKED',
    rc: 0,
    reverted: false,
    safeToReapply: false,
    text: { addr: 0n, size: 0 },
    rw: { addr: 0n, size: 0 },
    ro: { addr: 0n, size: 0 },
    pages: 0,
    funcs: { addr: 0n, size: 0, count: 0 },
    fstate: new PrivateFunctionStates(0),
    symtab: [],
    newSymbols: new Map(),
    buildId: new Uint8Array(0),
    dep: new Uint8Array(0),
    xenDep: null,
    hooks: new Map(),
    metadata: { addr: 0n, size: 0 },
    region: { name, textStart: 0n, textEnd: 0n, rodataStart: 0n, rodataEnd: 0n },
    trapTables: { bugFrames: [], exTable: null },
  };
}

/** free_payload: what LIVEPATCH_ACTION_UNLOAD does. */
export function freePayload(hv: Hypervisor, payload: LoadedPayload): void {
  if (hv.release.regionRegistered === 'load') unregisterRegion(hv, payload.region);
  hv.payloads = hv.payloads.filter((other) => other !== payload);
  hv.payloadVersion++;
  freePayloadData(hv, payload);
  hv.code?.payloads.forget(payload);
}

/** free_payload_data: frees the pages and unmaps them. */
function freePayloadData(hv: Hypervisor, payload: LoadedPayload): void {
  if (payload.text.addr === 0n) return;
  if (payload.pages > 0) hv.machine.space.unmap(payload.text.addr, payload.pages);
  hv.vmapXen.free(payload.text.addr);
}
