import type { FirstDifference } from '../documents/index.ts';
import { sourceInSection } from '../dwarf/index.ts';
import { codeLines, lineText, targetText } from './code-lines.ts';
import type { Comparator } from './compare.ts';
import type { DebugData } from './debug-data.ts';
import { type CodeDifference, firstDifference } from './instructions.ts';
import { isMovedLine } from './line-only.ts';
import type { DiffObject } from './object.ts';
import { nameOf, type Piece, type Reference, unnumbered } from './piece.ts';
import { codeOf, type TableEntry, type Unit } from './unit.ts';

/** Why a function counts as changed. */
export interface Explanation {
  readonly reason: string;
  readonly firstDifference: FirstDifference | null;
}

/** Says what is different in a function that {@link Comparator.sameUnit} says has changed. */
export function explainChange(comparator: Comparator, before: Unit, after: Unit, debug: DebugData): Explanation {
  const parts: readonly (readonly [Piece, Piece | undefined])[] = [
    [before.piece, after.piece],
    ...before.cold.map((piece, i) => [piece, after.cold[i]] as const),
  ];
  for (const [was, is] of parts) {
    if (is === undefined) return { reason: 'its cold part was removed', firstDifference: null };
    if (comparator.samePiece(was, is)) continue;
    const first = firstDifference(comparator, was, is, (a, b) => isMovedLine(comparator, [was, a], [is, b], debug));
    const where = was === before.piece ? '' : 'in its cold part, ';
    if (first === undefined) return { reason: `${where}the size of its code changed`, firstDifference: null };
    const { reason, told } = codeReason(comparator, was, is, first);
    return {
      reason: where + reason + (told ? '' : news(comparator, before, after)),
      firstDifference: firstOf(first, was, is, debug),
    };
  }
  if (after.cold.length > before.cold.length) return { reason: 'it gained a cold part', firstDifference: null };
  return explainEntries(comparator, before, after, debug);
}

const sizeText = ({ start, end }: Piece): string => `${end - start} bytes`;

/** What is different in the code; `told`: with the names that it is about. */
function codeReason(
  comparator: Comparator,
  was: Piece,
  is: Piece,
  first: CodeDifference,
): { readonly reason: string; readonly told: boolean } {
  const { before, after } = first;
  const onlyReferences =
    before !== undefined && after !== undefined && before.bytes.every((byte, i) => byte === after.bytes[i]);
  if (onlyReferences && before.references.length === after.references.length) {
    const i = before.references.findIndex(
      (reference, k) => !comparator.sameReference(reference, after.references[k] as Reference),
    );
    const [a, b] = [before.references[i], after.references[i]];
    if (a !== undefined && b !== undefined) return { reason: referenceReason(a, b), told: true };
  }
  if (was.end - was.start === is.end - is.start) return { reason: 'its code differs', told: false };
  return { reason: `its code has ${sizeText(is)} instead of ${was.end - was.start}`, told: false };
}

/** Most names that a reason has. */
const NAMES = 4;

/** What a function refers to now and did not, and the other way round: what an author recognises his change by. */
function news(comparator: Comparator, before: Unit, after: Unit): string {
  const old = namesIn(comparator.orig, before);
  const now = namesIn(comparator.patched, after);
  const list = (names: Map<string, string>, others: Map<string, string>): string => {
    const only = [...names].filter(([key]) => !others.has(key)).map(([, text]) => text);
    const rest = only.length > NAMES ? `, ${only.length - NAMES} more` : '';
    return only.slice(0, NAMES).join(', ') + rest;
  };
  const [added, gone] = [list(now, old), list(old, now)];
  return `${added === '' ? '' : `; added: ${added}`}${gone === '' ? '' : `; removed: ${gone}`}`;
}

/** What a function refers to outside of itself: as it is told, by what it is known as without the numbers of compilers. */
function namesIn(object: DiffObject, unit: Unit): Map<string, string> {
  const own = new Set(codeOf(unit));
  const names = new Map<string, string>();
  for (const piece of own) {
    for (const { target } of object.references(piece)) {
      if (target.kind === 'absolute' || (target.kind === 'piece' && own.has(target.piece))) continue;
      if (target.kind === 'piece' && target.piece.kind !== 'strings' && nameOf(target.piece) === '') continue;
      const text = targetText(
        target.kind === 'piece' && target.piece.kind === 'strings' ? target : { ...target, at: 0 },
      );
      names.set(unnumbered(text), text);
    }
  }
  return names;
}

function referenceReason(before: Reference, after: Reference): string {
  const [was, is] = [targetText(before.target), targetText(after.target)];
  if (after.branch) return `it calls ${is} instead of ${was}`;
  const { target } = after;
  if (target.kind === 'piece' && before.target.kind === 'piece') {
    const constant = target.piece.kind === 'constant' || target.piece.kind === 'literals';
    const same = unnumbered(nameOf(target.piece)) === unnumbered(nameOf(before.target.piece));
    if (constant && same) return `it reads ${nameOf(target.piece) ? is : 'a constant'}, whose content changed`;
  }
  return `it refers to ${is} instead of ${was}`;
}

function firstOf({ before, after }: CodeDifference, was: Piece, is: Piece, debug: DebugData): FirstDifference {
  return {
    origOffset: before?.offset ?? null,
    patchedOffset: after?.offset ?? null,
    orig: before === undefined ? null : lineText(before),
    patched: after === undefined ? null : lineText(after),
    source: sourceText(debug, was, before?.offset, is, after?.offset),
  };
}

/** `file:line` of a place: in the patched object, or else in the original. */
export function sourceText(
  debug: DebugData,
  was: Piece | undefined,
  at: number | undefined,
  is: Piece | undefined,
  to: number | undefined,
): string | null {
  const after =
    debug.patched && is && to !== undefined
      ? sourceInSection(debug.patched, is.section.index, is.start + to)
      : undefined;
  const before =
    debug.orig && was && at !== undefined ? sourceInSection(debug.orig, was.section.index, was.start + at) : undefined;
  const found = after ?? before;
  return found === undefined ? null : `${found.file}:${found.line}`;
}

/** Both versions have the same code; what differs is in the tables. */
function explainEntries(comparator: Comparator, before: Unit, after: Unit, debug: DebugData): Explanation {
  const count = Math.max(before.entries.length, after.entries.length);
  for (let i = 0; i < count; i++) {
    const [was, is] = [before.entries[i], after.entries[i]];
    if (was !== undefined && is !== undefined && comparator.sameEntry(was, is)) continue;
    const old = was && entryText(comparator.orig, was);
    const now = is && entryText(comparator.patched, is);
    const [word, at] = [(now ?? old)?.word ?? 'entry', (now ?? old)?.at];
    const place = at === undefined ? '' : ` at +0x${at.toString(16)}`;
    const verb = was === undefined ? 'was added' : is === undefined ? 'was removed' : 'changed';
    return {
      reason: `its ${word}${place} ${verb}`,
      firstDifference: {
        origOffset: old?.at ?? null,
        patchedOffset: now?.at ?? null,
        orig: old?.text ?? null,
        patched: now?.text ?? null,
        source: sourceText(debug, before.piece, old?.at, after.piece, now?.at),
      },
    };
  }
  return { reason: 'its tables differ', firstDifference: null };
}

function entryText(
  object: DiffObject,
  { piece, code }: TableEntry,
): { word: string; at: number | undefined; text: string } {
  const format = object.format(piece.section);
  const references = object.references(piece);
  const owner = references.find(({ offset }) => offset === 0)?.target;
  const rest = references.filter(({ offset }) => offset !== 0).map(({ target }) => targetText(target));
  const text = code === null ? rest.join(', ') : codeLines(object, code).map(lineText).join('; ');
  return {
    word: format?.word ?? 'entry',
    at: owner?.kind === 'piece' ? owner.at : undefined,
    text: text || format?.word || piece.section.name,
  };
}
