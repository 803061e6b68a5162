import { type Address, addOffset, distance, viewOf } from '../base/index.ts';
import { type AddressRange, bugFrameTypes, EX_TABLE_ENTRY, X86_BUG_FRAME } from '../xen/index.ts';
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
  /** `at` is in bytes from the start of the code, as a plain number: there are thousands of entries. */
  const hit = (kind: TrapSite['kind'], at: number): void => {
    if (at < 0 || at >= marks.length || marks[at] === 0) return;
    found.push({ kind, address: addOffset(start, at) });
  };
  /** A table's bytes, and where it is from the start of the code. */
  const table = (range: AddressRange | null | undefined): { readonly view: DataView; readonly base: number } => {
    const base = range === null || range === undefined ? undefined : distance(start, range.start);
    if (range === null || range === undefined || base === undefined)
      return { view: new DataView(new ArrayBuffer(0)), base: 0 };
    return { view: viewOf(context.image.bytes(range.start, Number(range.end - range.start))), base };
  };
  const size = context.arch.bugFrames.size;
  for (const number of bugFrameTypes(context.release, context.arch.name).keys()) {
    const { view, base } = table(bugFrames[number]);
    for (let at = 0; at + size <= view.byteLength; at += size) {
      // The two forms of a frame differ in their size: 24 bits of a word, or all of it.
      const word = view.getInt32(at, true);
      hit('bug frame', base + at + (size === X86_BUG_FRAME.size ? (word << 8) >> 8 : word));
    }
  }
  if (context.arch.exTableEntrySize !== 0) {
    const { view, base } = table(exTable);
    for (let at = 0; at + EX_TABLE_ENTRY.size <= view.byteLength; at += EX_TABLE_ENTRY.size) {
      const [addr, cont] = [at + EX_TABLE_ENTRY.at.addr, at + EX_TABLE_ENTRY.at.cont];
      hit('exception table entry', base + addr + view.getInt32(addr, true));
      hit('recovery from a fault', base + cont + view.getInt32(cont, true));
    }
  }
  return found;
}
