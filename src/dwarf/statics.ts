import * as dw from './constants.ts';
import { Cursor } from './cursor.ts';
import type { DwarfFile } from './file.ts';
import type { SourcePlace } from './line-table.ts';
import { declarationOf } from './source.ts';
import { typeName, typeOf } from './types.ts';
import type { Entry } from './unit.ts';

/** A variable with static storage that a function declares. */
export interface StaticLocal {
  /** Its name in the source; the symbol's name has a number behind it (gcc) or the function's name in front of it (clang). */
  readonly name: string;
  /** The function that declares it, by its name in the source. */
  readonly scope: string;
  /** Its type, as C would name it. */
  readonly type: string;
  readonly declaration: SourcePlace | undefined;
  /** Index of its section, and bytes from the start of that. */
  readonly section: number;
  readonly offset: number;
}

/** Returns the static variables that functions of a relocatable file declare, in the order of their entries: that of the source within a function. */
export function staticLocals(dwarf: DwarfFile): StaticLocal[] {
  const found: StaticLocal[] = [];
  for (const unit of dwarf.units) {
    for (const entry of unit.root?.children() ?? []) {
      if (entry.tag !== dw.DW_TAG_subprogram) continue;
      for (const { entry: inner } of entry.descendants(({ tag }) => SCOPES.has(tag))) {
        const local = inner.tag === dw.DW_TAG_variable ? staticLocal(dwarf, entry, inner) : undefined;
        if (local !== undefined) found.push(local);
      }
    }
  }
  return found;
}

const SCOPES: ReadonlySet<number> = new Set([dw.DW_TAG_lexical_block, dw.DW_TAG_inlined_subroutine]);

function staticLocal(dwarf: DwarfFile, outer: Entry, entry: Entry): StaticLocal | undefined {
  const location = entry.attribute(dw.DW_AT_location);
  const address = location?.kind === 'block' ? fixedAddress(entry, location.value) : undefined;
  const place = address === undefined ? undefined : dwarf.places.placeOf(address);
  const { name } = entry;
  const scope = outer.name;
  if (place === undefined || name === undefined || scope === undefined) return undefined;
  let type: Entry | undefined;
  for (const origin of entry.origins()) type ??= typeOf(origin);
  return { name, scope, type: typeName(type), declaration: declarationOf(dwarf, entry), ...place };
}

/** The address that a location names without any computation (DWARF 5, 2.5.1.1). */
function fixedAddress({ unit }: Entry, expression: Uint8Array): bigint | undefined {
  const cursor = new Cursor(expression);
  const operation = cursor.u8();
  if (operation === dw.DW_OP_addr) return cursor.address(unit.addressSize);
  return operation === dw.DW_OP_addrx ? unit.indexedAddress(cursor.uleb()) : undefined;
}
