import { equalBytes } from '../../base/index.ts';
import { type ElfFile, findBuildId, isProblem, readElf, SHN_UNDEF, STT_FUNC } from '../../elf/index.ts';

/** How two `xen-syms` relate. */
export type BuildRelation =
  /** One and the same: their build-ids are equal. */
  | { readonly kind: 'same' }
  /** Other build-ids, and functions of the same names and sizes: built at another time or place from the same. */
  | { readonly kind: 'alike' }
  | {
      readonly kind: 'different';
      /** Functions that only one has, or that have other sizes; the first few. */
      readonly functions: readonly string[];
      readonly count: number;
    };

const MOST = 5;

/**
 * Compares the hypervisor that a tree gives with the one that is to be patched: objects of the first are only good for the
 * second where its functions are the same.
 */
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

/** The sizes of all functions by name; those of functions that share a name, in file order. */
function functionsOf({ symbols }: ElfFile): ReadonlyMap<string, string> {
  const sizes = new Map<string, string>();
  for (let i = 1; i < symbols.count; i++) {
    if (symbols.type(i) !== STT_FUNC || symbols.shndx(i) === SHN_UNDEF) continue;
    const name = symbols.qualifiedName(i);
    sizes.set(name, `${sizes.get(name) ?? ''} ${symbols.size(i)}`);
  }
  return sizes;
}
