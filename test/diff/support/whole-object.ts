import type { Address } from '../../../src/base/index.ts';
import type { DiffObject } from '../../../src/diff/object.ts';
import { compareObjects, type ObjectDiff } from '../../../src/diff/object-diff.ts';
import { bytesOf, type Piece } from '../../../src/diff/piece.ts';
import { Selection } from '../../../src/diff/selection.ts';
import type { Unit } from '../../../src/diff/unit.ts';
import type { XenNames } from '../../../src/diff/xen-names.ts';
import type { FunctionStatus } from '../../../src/documents/index.ts';
import type { BuiltTree, TreeObject } from './built-tree.ts';

/** An object compared with itself: nothing has changed. */
export const unchanged = ({ context }: BuiltTree, { object, elf }: TreeObject): ObjectDiff =>
  compareObjects(object, { orig: elf, patched: elf }, context, {});

/** The payload that there would be if these functions of the object had changed. */
export function forced({ names }: BuiltTree, diff: ObjectDiff, changed: (unit: Unit) => boolean): Selection {
  const status = new Map<Unit, FunctionStatus>();
  for (const unit of diff.status.keys()) status.set(unit, changed(unit) ? 'changed' : 'unchanged');
  const debug = { orig: undefined, patched: undefined };
  const selection = new Selection({ ...diff, debug, status }, names, new Map());
  selection.addRoots(new Map(), new Set());
  return selection;
}

/**
 * Did the linker take the object into the hypervisor as it is? Then the hypervisor has every function of it, with its bytes. Archives also hold what an
 * architecture has a version of its own of, and libraries are linked with other names once more.
 */
export function isLinkedIn({ names }: BuiltTree, diff: ObjectDiff): boolean {
  const { orig } = diff.comparator;
  const units = [...diff.status.keys()];
  return (
    units.length > 0 &&
    units.every(({ piece }) => {
      const name = names.nameOf(piece, orig.file);
      return name !== undefined && sameBytes(names, orig, piece, names.address(name) ?? 0n);
    })
  );
}

/** Does the hypervisor have the bytes of a piece at an address? Fields that relocations change do not count. */
export function sameBytes({ image }: XenNames, object: DiffObject, piece: Piece, start: Address): boolean {
  const own = Uint8Array.from(bytesOf(piece));
  const linked = Uint8Array.from(image.bytes(start, own.length));
  for (const { offset, type } of object.references(piece)) {
    const end = offset + (image.arch.relocations.get(type)?.width ?? 0);
    own.fill(0, offset, end);
    linked.fill(0, offset, end);
  }
  return own.length === linked.length && own.every((byte, i) => byte === linked[i]);
}
