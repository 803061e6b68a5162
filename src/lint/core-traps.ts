import type { CodeRange } from '../arch/index.ts';
import { type Address, addOffset, distance, viewOf } from '../base/index.ts';
import { type AddressRange, EX_TABLE_ENTRY } from '../xen/index.ts';
import type { LintContext } from './context.ts';
import { lastUpTo } from './search.ts';

/** A place in the hypervisor's code that may trap, or at which it resumes after a fault. */
export interface TrapSite {
  readonly kind: 'bug frame' | 'exception table entry' | 'fix-up';
  readonly address: Address;
}

/** Returns the image's trap sites in any of the ranges, which are sorted, in bytes from the start of the hypervisor's code. */
export function trapSitesIn(context: LintContext, ranges: readonly CodeRange[]): TrapSite[] {
  const { start } = context.coreText;
  const { bugFrames, exTable } = context.image.trapTables;
  const found: TrapSite[] = [];
  /** Adds a site at `at` bytes from the start of the code, if it is in a range. A plain number, because there are thousands of entries. */
  const hit = (kind: TrapSite['kind'], at: number): void => {
    const range = lastUpTo(ranges, at, (each) => each.start);
    if (range === undefined || at >= range.end) return;
    found.push({ kind, address: addOffset(start, at) });
  };
  /** Returns a table's bytes, and its offset from the start of the code. */
  const table = (range: AddressRange | null | undefined): { readonly view: DataView; readonly base: number } => {
    const base = range === null || range === undefined ? undefined : distance(start, range.start);
    if (range === null || range === undefined || base === undefined)
      return { view: new DataView(new ArrayBuffer(0)), base: 0 };
    return { view: viewOf(context.image.bytes(range.start, Number(range.end - range.start))), base };
  };
  const { bugFrames: format } = context.arch;
  for (const [number, type] of context.arch.bugFrames.types(context.release).entries()) {
    const { view, base } = table(bugFrames[number]);
    for (let at = 0; at + format.size <= view.byteLength; at += format.size) {
      hit('bug frame', base + at + format.decode(view, at, type).loc);
    }
  }
  if (context.arch.exTableEntrySize !== 0) {
    const { view, base } = table(exTable);
    for (let at = 0; at + EX_TABLE_ENTRY.size <= view.byteLength; at += EX_TABLE_ENTRY.size) {
      const [addr, cont] = [at + EX_TABLE_ENTRY.at.addr, at + EX_TABLE_ENTRY.at.cont];
      hit('exception table entry', base + addr + view.getInt32(addr, true));
      hit('fix-up', base + cont + view.getInt32(cont, true));
    }
  }
  return found;
}
