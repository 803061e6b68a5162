import { ensure } from '../../../src/base/index.ts';
import { linkPayload } from '../../../src/builder/link.ts';
import { payloadObject } from '../../../src/diff/emit.ts';
import { notesObject } from '../../../src/diff/index.ts';
import type { ObjectDiff } from '../../../src/diff/object-diff.ts';
import type { Selection } from '../../../src/diff/selection.ts';
import type { Unit } from '../../../src/diff/unit.ts';
import type { BuiltTree } from './built-tree.ts';
import { forced } from './whole-object.ts';

/** Functions whose refusals name them, again and again until there are none: what calls one of them may be replaced all the same. */
export function replaceable(
  tree: BuiltTree,
  diff: ObjectDiff,
): { readonly selection: Selection; readonly leftOut: readonly string[] } {
  const out = new Set<Unit>();
  const leftOut: string[] = [];
  for (;;) {
    const selection = forced(tree, diff, (unit) => !out.has(unit));
    if (selection.refusals.length === 0) return { selection, leftOut };
    const before = out.size;
    for (const { message: reason, where } of selection.refusals) {
      leftOut.push(reason);
      for (const { unit, name } of selection.replacements) {
        const said = reason.startsWith(`${unit.name} `) || reason.startsWith(`${name} `);
        if (said || unit.name === where.symbol) out.add(unit);
      }
    }
    if (out.size === before) return { selection, leftOut };
  }
}

/** Links what replaces the functions of an object to a payload for the tree's hypervisor. */
export async function forcedPayload(tree: BuiltTree, selection: Selection): Promise<Uint8Array> {
  const { image, release } = tree;
  const id = ensure(image.buildId, 'the hypervisor has a build-id');
  const provenance = { name: 'x', titles: [], tool: 'test', base: null };
  const { elf } = selection.diff.comparator.patched;
  const notes = notesObject(elf, { depends: id, xenDepends: id, provenance }, release);
  const objects = [
    { object: selection.diff.object, bytes: payloadObject(selection, 'x') },
    { object: 'notes', bytes: notes },
  ];
  return linkPayload(objects, { arch: image.arch.name, env: process.env, buildId: 'sha1' });
}
