import { type Address, addOffset, distance, viewOf } from '../base/index.ts';
import {
  ARM_BUG_FRAME,
  bugFrameTypes,
  decodeExTableEntry,
  decodeX86BugFrame,
  EX_TABLE_ENTRY,
  X86_BUG_FRAME,
} from '../xen/index.ts';
import type { LintContext } from './context.ts';

/** A place in the hypervisor's code where a trap is expected, or where one is recovered from. */
export interface TrapSite {
  readonly kind: 'bug frame' | 'exception table entry' | 'recovery from a fault';
  readonly address: Address;
}

/** Those of the image's trap sites that are in the bytes which `marks` (one per byte of the hypervisor's code) is not 0 for. */
export function trapSitesIn(context: LintContext, marks: Uint8Array): TrapSite[] {
  const { start } = context.coreText;
  const { bugFrames, exTable } = context.image.trapTables;
  const found: TrapSite[] = [];
  const hit = (kind: TrapSite['kind'], base: Address | undefined, offset: number): void => {
    const at = base === undefined ? undefined : distance(start, addOffset(base, offset));
    if (at === undefined || at < 0 || at >= marks.length || marks[at] === 0) return;
    found.push({ kind, address: addOffset(start, at) });
  };
  for (const number of bugFrameTypes(context.release, context.arch.name).keys()) {
    const range = bugFrames[number];
    if (range === undefined) continue;
    const bytes = context.image.bytes(range.start, Number(range.end - range.start));
    const view = viewOf(bytes);
    const size = context.arch.bugFrameSize;
    for (let at = 0; at + size <= bytes.length; at += size) {
      // The two forms of a frame differ in their size.
      const displacement =
        size === X86_BUG_FRAME.size ? decodeX86BugFrame(view, at).locDisp : ARM_BUG_FRAME.read(view, at).loc_disp;
      hit('bug frame', range.start, at + displacement);
    }
  }
  if (exTable !== null && context.arch.exTableEntrySize !== 0) {
    const bytes = context.image.bytes(exTable.start, Number(exTable.end - exTable.start));
    const view = viewOf(bytes);
    for (let at = 0; at + EX_TABLE_ENTRY.size <= bytes.length; at += EX_TABLE_ENTRY.size) {
      const { addr, cont } = decodeExTableEntry(view, at, exTable.start);
      hit('exception table entry', addr, 0);
      hit('recovery from a fault', cont, 0);
    }
  }
  return found;
}
