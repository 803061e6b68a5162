import { equalBytes } from '../../base/index.ts';
import { type ElfFile, findBuildId, isProblem, readElf, SHN_UNDEF, STT_FUNC } from '../../elf/index.ts';

/** Relation of two `xen-syms`. */
export type BuildRelation =
  /** Identical: equal build-ids. */
  | { readonly kind: 'same' }
  /** Different build-ids, but functions of equal names and sizes: built at another time or place from the same sources. */
  | { readonly kind: 'alike' }
  | {
      readonly kind: 'different';
      /** The first few functions that only one has, or whose sizes differ. */
      readonly functions: readonly string[];
      readonly count: number;
    };

const MOST = 5;

/** Compares the tree's hypervisor with the one to patch. The tree's objects are usable only if the functions are the same. */
export function buildRelation(own: Uint8Array, given: Uint8Array): BuildRelation {
  const first = readElf(own);
  const second = readElf(given);
  if (isProblem(first) || isProblem(second)) return { kind: 'different', functions: [], count: 0 };
  const id = findBuildId(first);
  const other = findBuildId(second);
  if (id !== undefined && other !== undefined && equalBytes(id, other)) return { kind: 'same' };
  const left = functionsOf(first);
  const right = functionsOf(second);
  const functions: string[] = [];
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    if (left.get(name) !== right.get(name)) functions.push(name);
  }
  if (functions.length === 0 && left.size > 0) return { kind: 'alike' };
  return { kind: 'different', functions: functions.slice(0, MOST), count: functions.length };
}

/** Returns all functions' sizes by name; sizes of equal names in file order. */
function functionsOf({ symbols }: ElfFile): ReadonlyMap<string, string> {
  const sizes = new Map<string, string>();
  for (let i = 1; i < symbols.count; i++) {
    if (symbols.type(i) !== STT_FUNC || symbols.shndx(i) === SHN_UNDEF) continue;
    const name = symbols.qualifiedName(i);
    sizes.set(name, `${sizes.get(name) ?? ''} ${symbols.size(i)}`);
  }
  return sizes;
}
