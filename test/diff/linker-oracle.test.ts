import { describe, expect, it } from 'vitest';
import { builtTree } from './support/built-tree.ts';
import { LinkerOracle } from './support/linker-oracle.ts';
import { forced, isLinkedIn, unchanged } from './support/whole-object.ts';

/** Least numbers of what is compared: a check that finds nothing to compare is none. Of Debian's 4.17.5 with live patching. */
const LEAST = {
  x86_64: { objects: 320, functions: 3700, relocations: 36_000, contents: 2600, operands: 36_000 },
  arm64: { objects: 170, functions: 1800, relocations: 15_500, contents: 1050, operands: 11_500 },
} as const;

/** Reasons for which functions cannot be replaced, and that say nothing of what others refer to. */
const NOT_ALONE =
  /the jump that patches it needs|shares the section|which Xen's loader does not apply|freed after boot|out of reach from a payload/;

describe.each(['x86_64', 'arm64'] as const)('the linker’s own work on %s', (arch) => {
  it('is what a payload of each object would do', { timeout: 120_000 }, async () => {
    const tree = await builtTree(arch);
    const oracle = new LinkerOracle(tree.names);
    const refused: string[] = [];
    let objects = 0;
    let functions = 0;
    for (const each of tree.objects()) {
      const diff = unchanged(tree, each);
      if (!isLinkedIn(tree, diff)) continue;
      const selection = forced(tree, diff, () => true);
      oracle.check(selection);
      objects++;
      functions += selection.replacements.length;
      for (const { message: reason } of selection.refusals)
        if (!NOT_ALONE.test(reason)) refused.push(`${each.object}: ${reason}`);
    }
    expect(oracle.wrong).toEqual([]);
    expect(refused).toEqual([]);
    expect(oracle.counts.skipped).toBe(0);
    const least = LEAST[arch];
    expect(objects).toBeGreaterThanOrEqual(least.objects);
    expect(functions).toBeGreaterThanOrEqual(least.functions);
    expect(oracle.counts.relocations).toBeGreaterThanOrEqual(least.relocations);
    expect(oracle.counts.operands).toBeGreaterThanOrEqual(least.operands);
    expect(oracle.counts.contents).toBeGreaterThanOrEqual(least.contents);
  });
});
