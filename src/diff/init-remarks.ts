import { type Finding, groupBy } from '../base/index.ts';
import type { FunctionStatus } from '../documents/index.ts';
import { SHF_EXECINSTR, STB_LOCAL } from '../elf/index.ts';
import { about } from './about.ts';
import type { Comparator } from './compare.ts';
import type { Correlation } from './correlation.ts';
import type { DebugData } from './debug-data.ts';
import { isLineOnly } from './line-only.ts';
import type { Piece } from './piece.ts';
import { type Unit, Units } from './unit.ts';

/** Most things of one name that are compared with each other. */
const MOST = 64;

const isCode = ({ section }: Piece): boolean => (section.flags & SHF_EXECINSTR) !== 0;

/** A name without the compiler's numbers, and without the lines that macros put into names: `__setup_ign_720`. */
const family = ({ name }: Unit): string => name.replace(/[._]\d+(?=[._]|$)/g, '');

/** What of the boot has changed: it has run, or was read, and is gone by the time that a payload is loaded. */
export function initRemarks(comparator: Comparator, object: string, debug: () => DebugData): Finding[] {
  const before = groupBy(new Units(comparator.orig, 'init').all, family);
  const same = (old: Unit, now: Unit): boolean => {
    if (isCode(old.piece) !== isCode(now.piece)) return false;
    if (comparator.samePiece(old.piece, now.piece)) return true;
    return isCode(now.piece) && isLineOnly(comparator, old, now, debug());
  };
  const remarks: Finding[] = [];
  for (const unit of new Units(comparator.patched, 'init').all) {
    const candidates = before.get(family(unit)) ?? [];
    if (candidates.slice(0, MOST).some((old) => same(old, unit))) continue;
    const what = candidates.length === 0 ? 'new' : 'changed';
    const kind = isCode(unit.piece) ? 'boot code (__init)' : 'boot data (__initdata)';
    const verb = isCode(unit.piece) ? 'run' : 'read';
    const why =
      what === 'new' ? `a host that is up does not ${verb} it` : `the host has already ${verb} what it was before`;
    const text = `${unit.name} is ${what} ${kind}: skipped, as ${why}`;
    remarks.push(about('init-changed', object, unit.name, text));
  }
  return remarks;
}

/** Changed functions to which only boot code and boot data refer: those have run, and run again only where boot code left their address. */
export function bootOnly(
  { patched, users }: Correlation,
  status: ReadonlyMap<Unit, FunctionStatus>,
  object: string,
): Finding[] {
  return patched.units.all.flatMap((unit) => {
    if (status.get(unit) !== 'changed' || unit.piece.symbols[0]?.bind !== STB_LOCAL) return [];
    const others = [...users(unit.piece)].filter((user) => user !== `code ${unit.name}`);
    if (others.length === 0 || !others.every((user) => user.startsWith('init '))) return [];
    const from = others.map((user) => user.slice('init '.length)).join(', ');
    const text = `only boot code and boot data refer to ${unit.name} (${from}): it has run on the host, and the fix takes effect only where it runs again, for instance for a CPU that comes up later; a hook can call it`;
    return [about('runs-at-boot', object, unit.name, text)];
  });
}
