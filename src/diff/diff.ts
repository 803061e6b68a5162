import { ARCHITECTURES } from '../arch/index.ts';
import { type Finding, XspliceError } from '../base/index.ts';
import type { FunctionReport } from '../documents/index.ts';
import { type ElfFile, ElfWriter, ET_REL, isProblem, machineName, readElf, SHT_REL } from '../elf/index.ts';
import type { Image } from '../hypervisor/index.ts';
import type { Release } from '../xen/index.ts';
import { about } from './about.ts';
import { bootWriters } from './boot-writers.ts';
import { payloadObject, payloadObjectWithDebugData } from './emit.ts';
import { changedLayouts } from './layouts.ts';
import { findMoves, removedGlobals } from './moves.ts';
import type { ObjectContext } from './object.ts';
import { compareObjects, type ObjectDiff } from './object-diff.ts';
import { type NewGlobals, Selection } from './selection.ts';
import { damageOf, isBitcode, unfinished } from './sound.ts';
import { unknownChoices } from './static-refusals.ts';
import type { DiffOptions, ObjectPair, PairsDiff, PayloadObject } from './types.ts';
import { XenNames } from './xen-names.ts';

/**
 * What changed between objects before and after a change of the source, and the objects that a payload for the hypervisor is linked from. Whatever cannot be
 * carried is a refusal, and then there are no objects. Throws EIMAGE where objects of the hypervisor's architecture cannot be made into payloads.
 *
 * @param image the hypervisor that was linked from the originals. @param release the rules that the payload has to obey.
 */
export function diffPairs(
  image: Image,
  release: Release,
  pairs: readonly ObjectPair[],
  options: DiffOptions,
): PairsDiff {
  const { arch } = image;
  if (arch.objects === undefined) {
    throw new XspliceError(
      'EIMAGE',
      `diff does not support ${arch.image.title} yet`,
      `supported: ${ARCHITECTURES.flatMap(({ image, objects }) => (objects === undefined ? [] : image.title)).join(', ')}`,
    );
  }
  const context: ObjectContext = { arch, forms: arch.objects, release, disassembler: options.disassembler };
  const names = new XenNames(image, release);
  const refusals: Finding[] = [];
  const remarks: Finding[] = [];
  const functions: FunctionReport[] = [];
  const diffs: ObjectDiff[] = [];
  for (const pair of pairs) {
    const files = openPair(pair, image, refusals, remarks);
    if (files === undefined) continue;
    const diff = compareObjects(pair.object, files, context, options);
    // Of a file that is gone, only what moved elsewhere is asked for.
    diffs.push(pair.patched === null ? { ...diff, debug: diff.debug, functions: [], refusals: [], remarks: [] } : diff);
  }
  const moved = findMoves(diffs);
  for (const diff of diffs) {
    functions.push(...diff.functions);
    refusals.push(...diff.refusals);
    remarks.push(...diff.remarks);
  }
  refusals.push(...moved.refusals);
  refusals.push(
    ...unknownChoices(
      diffs.map(({ comparator }) => comparator.correlation),
      options.statics ?? [],
    ),
  );
  const selections = diffs.map((diff) => new Selection(diff, names, moved.moves));
  const globals = newGlobals(selections);
  const removed = removedGlobals(diffs, moved.moves);
  for (const selection of selections) selection.addRoots(globals, removed);
  refusals.push(...bootWriters(selections));
  const settled = new Set(options.allowedLayouts ?? []);
  for (const selection of selections) {
    refusals.push(...selection.refusals, ...layoutRefusals(selection, settled));
    remarks.push(...selection.remarks, ...withoutDebugData(selection));
  }
  const taken = selections.filter(({ pieces }) => pieces.size > 0);
  const base = { functions, refusals: unique(refusals), remarks: unique(remarks) };
  if (refusals.length > 0) return { verdict: 'refused', ...base, objects: [] };
  if (taken.length === 0) return { verdict: 'unchanged', ...base, objects: [] };
  const objects = taken.map((selection): PayloadObject => {
    const name = options.name ?? '';
    const debug = options.debugData === true ? payloadObjectWithDebugData(selection, name) : null;
    return { object: selection.diff.object, bytes: payloadObject(selection, name), debug };
  });
  return { verdict: 'built', ...base, objects };
}

/** New globals of all objects; what two objects define is the linker's to refuse. */
function newGlobals(selections: readonly Selection[]): NewGlobals {
  const globals = new Map<string, { selection: Selection; piece: ObjectPiece }>();
  for (const selection of selections) {
    for (const [name, piece] of selection.newGlobals()) {
      if (!globals.has(name)) globals.set(name, { selection, piece });
    }
  }
  return globals;
}

type ObjectPiece = NewGlobals extends ReadonlyMap<string, { readonly piece: infer P }> ? P : never;

function layoutRefusals(selection: Selection, settled: Set<string>): Finding[] {
  const { diff } = selection;
  const units = [...diff.status].filter(([, status]) => status === 'changed' || status === 'new').map(([unit]) => unit);
  const inside = units.filter(({ piece }) => selection.pieces.has(piece));
  if (inside.length === 0) return [];
  const own = inside.filter(({ piece }) => !selection.moves.has(piece));
  const moved = inside.flatMap((unit) => {
    const origin = selection.moves.get(unit.piece);
    if (origin === undefined) return [];
    const debug = { orig: origin.from.debug.orig, patched: diff.debug.patched };
    return changedLayouts(diff.comparator, [unit], debug, diff.object, settled);
  });
  return [...changedLayouts(diff.comparator, own, diff.debug, diff.object, settled), ...moved];
}

/** Layouts can only be compared where there is debug data of both objects. */
function withoutDebugData({ diff, replacements }: Selection): Finding[] {
  if (replacements.length === 0 || (diff.debug.orig !== undefined && diff.debug.patched !== undefined)) return [];
  const text =
    'changed structure layouts were not checked: at least one object has no debug data. Compile both with -g, or check by hand';
  return [about('layout-unchecked', diff.object, null, text)];
}

/** An object of the same machine with nothing in it: what a new file was before. */
function emptyLike({ layout, machine }: ElfFile): ElfFile | undefined {
  const file = readElf(new ElfWriter({ class: layout.class, machine }).write());
  return !isProblem(file) ? file : undefined;
}

const unique = (told: readonly Finding[]): Finding[] => {
  const seen = new Set<string>();
  return told.filter((each) => {
    const key = JSON.stringify({ ...each, where: { ...each.where, file: '' } });
    return seen.has(key) ? false : seen.add(key);
  });
};

/** Both files of a pair; `undefined` where something is wrong with them, which is said. */
function openPair(
  pair: ObjectPair,
  image: Image,
  refusals: Finding[],
  remarks: Finding[],
): { readonly orig: ElfFile; readonly patched: ElfFile } | undefined {
  const { object } = pair;
  const refuse = (message: string, advice?: string): undefined => {
    refusals.push(about('object-file', object, null, message, advice));
  };
  if (pair.patched === null) {
    const text = `${object} is no longer built; the host keeps its code, and nothing in the payload calls what did not move`;
    remarks.push(about('object-removed', object, null, text));
    const gone = pair.orig === null ? undefined : readElf(pair.orig);
    if (gone === undefined || isProblem(gone) || damageOf(gone, object, image.arch) !== undefined) return undefined;
    const nothing = gone.machine === image.arch.machine ? emptyLike(gone) : undefined;
    return nothing === undefined ? undefined : { orig: gone, patched: nothing };
  }
  const open = (bytes: Uint8Array, which: string): ElfFile | undefined => {
    if (isBitcode(bytes)) {
      return refuse(`the ${which} ${object} has no code: it is LLVM bitcode`, 'Compile with -fno-lto.');
    }
    const file = readElf(bytes);
    if (isProblem(file)) return refuse(`the ${which} ${object}: ${file.message}`);
    if (file.header.e_type !== ET_REL) {
      return refuse(`the ${which} ${object} is not a relocatable object`);
    }
    if (file.machine !== image.arch.machine) {
      const title = image.arch.image.title;
      return refuse(`the ${which} ${object} is for ${machineName(file.machine)}, the hypervisor for ${title}`);
    }
    const damage = damageOf(file, `the ${which} ${object}`, image.arch);
    if (damage !== undefined) return refuse(damage, 'Compile it again: the file is damaged.');
    const rest = unfinished(file, `the ${which} ${object}`);
    if (rest !== undefined) return refuse(rest.message, rest.advice);
    if (file.sections.some(({ type }) => type === SHT_REL)) {
      return refuse(
        `the ${which} ${object} has relocations without addends (SHT_REL)`,
        'Use the compiler of the hypervisor',
      );
    }
    return file;
  };
  const patched = open(pair.patched, 'patched');
  const orig = pair.orig === null ? patched && emptyLike(patched) : open(pair.orig, 'original');
  return patched === undefined || orig === undefined ? undefined : { orig, patched };
}
