import { type Address, addOffset, hexAddress, lowWord } from '../base/index.ts';
import { SHF_ALLOC, SHT_NOBITS, type Shdr } from '../elf/index.ts';
import { isWritableData, placeSections } from '../payload/index.ts';
import { ELF_LIVEPATCH_FUNC, PAGE_SIZE, type Release } from '../xen/index.ts';
import { type LoaderElf, placeOf } from './elf-load.ts';
import { type Hypervisor, report, within, wrapped } from './hypervisor.ts';
import { assertionLine } from './image-bug-frames.ts';
import type { LoadedPayload } from './payload.ts';
import { LIVEPATCH_C, Refuser, refuseSilently } from './refusal.ts';
import { HostStop } from './stop.ts';

/** livepatch_elf_ignore_section: whether a section is neither loaded nor relocated. */
export const ignoreSection = (release: Release, header: Shdr): boolean =>
  (lowWord(header.sh_flags) & SHF_ALLOC) === 0 || (!release.emptySectionsPlaced && header.sh_size === 0n);

/** Section 0, which Xen never reads. */
const NULL_HEADER = { sh_flags: 0n, sh_size: 0n, sh_addralign: 0n };

/** Pages that the simulated host's heap has for one payload: 64 MiB. A file of 2 MiB exceeds them only through alignment or .bss. */
const HEAP_PAGES = 0x4000n;

/**
 * move_payload: allocates three consecutive regions of pages in VMAP_XEN and copies the sections that need memory there. Xen does not
 * initialise the padding between sections. Here it is zero, because a release build scrubs heap pages; in a debug build some pages contain
 * the scrub pattern 0xc2.
 * Source: xen/common/livepatch.c.
 */
export function movePayload(hv: Hypervisor, payload: LoadedPayload, elf: LoaderElf): number {
  return within(hv, 'move_payload', () => {
    const { release, log } = hv;
    const { pointerSize } = hv.arch.elf;
    const headers = elf.sections.map((section) => section?.header ?? NULL_HEADER);
    const placed = placeSections(headers, { pointerSize, emptySectionsPlaced: release.emptySectionsPlaced });
    const refused = placed.refused === undefined ? undefined : elf.sections[placed.refused];
    if (refused !== undefined) {
      log.dprintk(LIVEPATCH_C, 'ERR', 'livepatch: %s: Not supporting %s section!', elf.name, refused.name);
      const message = `section ${refused.name} is both writable and executable: Xen allows no such page`;
      const where = placeOf(refused);
      return refuseSilently(hv, { rule: 'section-writable-code', errno: 'EOPNOTSUPP', where, message });
    }

    const start = placed.pages <= HEAP_PAGES ? vmallocXen(hv, Number(placed.pages)) : undefined;
    if (start === undefined) {
      const refuser = new Refuser(hv, LIVEPATCH_C, elf.name);
      return refuser.refuse({ rule: 'payload-too-large', errno: 'ENOMEM' }, 'Could not allocate memory for payload');
    }
    payload.pages = Number(placed.pages);
    Object.assign(payload.text, { addr: start, size: Number(placed.textSize) });
    Object.assign(payload.rw, { addr: wrapped(hv, start + placed.rwOffset), size: Number(placed.rwSize) });
    Object.assign(payload.ro, { addr: wrapped(hv, start + placed.roOffset), size: Number(placed.roSize) });

    const writable: string[] = [];
    for (const section of elf.sections) {
      const place = section === undefined ? undefined : placed.sections[section.index];
      if (section === undefined || place === undefined) continue;
      const { kind, offset } = place;
      if (kind === 'ignored' || kind === 'refused') continue;
      const { sh_type, sh_offset, sh_size } = section.header;
      const to = addOffset(payload[kind].addr, offset);
      section.loadAddr = to;
      if (sh_type === SHT_NOBITS) {
        // resolveSections has bounded this size.
        hv.machine.space.write(to, new Uint8Array(Number(sh_size)));
      } else {
        copy(hv, elf, to, sh_offset, sh_size);
        if (log.debug) log.dprintk(LIVEPATCH_C, 'DEBUG', 'livepatch: %s: Loaded %s at %p', elf.name, section.name, to);
      }
      if (isWritableData(section.header)) writable.push(section.name);
    }
    payload.safeToReapply =
      writable.length === 0 ||
      (release.funcsExemptFromReapply && writable.length === 1 && writable[0] === ELF_LIVEPATCH_FUNC);
    return 0;
  });
}

/** vmalloc_xen: maps pages from the heap as RW; they are not executable until they are secured. */
function vmallocXen(hv: Hypervisor, pages: number): Address | undefined {
  // A release build allocates no pages, returns an address, and continues.
  if (pages === 0 && hv.options.debugBuild) {
    within(hv, 'vmalloc_type', () => {
      const file = 'common/vmap.c';
      throw new HostStop({ kind: 'assertion', condition: 'size', file, line: assertionLine(hv, 'size', file) });
    });
  }
  const start = hv.vmapXen.alloc(pages);
  if (start === undefined || pages === 0) return start;
  // On Arm the bitmap describes more than the region has, and nothing else stops the allocator at the end.
  const end = addOffset(start, pages * PAGE_SIZE);
  if (end > hv.vmapXen.end) {
    const message = `the payload ends at ${hexAddress(end)}, past the end of Xen's memory for payloads at ${hexAddress(hv.vmapXen.end)}, and overwrites other mappings there`;
    report(hv, 'vmap-overrun', message, { address: start });
  }
  hv.machine.space.map(start, new Uint8Array(pages * PAGE_SIZE), { write: true, execute: false });
  return start;
}

/** Bytes that memcpy copies at a time. Source: xen/arch/x86/string.c. */
const WORD = 8;

/** memcpy from the upload buffer. If a size has wrapped, source or destination may leave its mapping. */
function copy(hv: Hypervisor, elf: LoaderElf, to: Address, offset: bigint, size: bigint): void {
  if (size <= BigInt(elf.buffer.bytes.length)) {
    hv.machine.space.write(to, elf.buffer.at(offset, Number(size)));
    return;
  }
  // A wrapped size: copy word by word like `rep movsq`, until either side faults.
  for (let done = 0; ; done += WORD) {
    hv.machine.space.write(addOffset(to, done), elf.buffer.at(wrapped(hv, offset + BigInt(done)), WORD));
  }
}
