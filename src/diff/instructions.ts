import { branchTarget, type Instruction, instructionText, withoutField } from '../arch/index.ts';
import { equalBytes } from '../base/index.ts';
import { type Comparator, sameType } from './compare.ts';
import type { DiffObject } from './object.ts';
import { bytesOf, distance, type Piece, placeIn, type Reference, type Target } from './piece.ts';

/** An instruction of a piece, with what it refers to. */
export interface CodeLine {
  /** Bytes from the start of the piece. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly instruction: Instruction;
  readonly references: readonly Reference[];
}

/** Most bytes of a function that are looked at instruction by instruction. */
const MOST = 1 << 20;

/** Instructions that were asked for: what is compared is asked for again to be explained. A piece is of one object. */
const decoded = new WeakMap<Piece, readonly CodeLine[]>();

/** The instructions of a piece of code. */
export function codeLines(object: DiffObject, piece: Piece): readonly CodeLine[] {
  let lines = decoded.get(piece);
  if (lines === undefined) {
    lines = decode(object, piece);
    decoded.set(piece, lines);
  }
  return lines;
}

function decode(object: DiffObject, piece: Piece): CodeLine[] {
  const { arch, disassembler } = object.context;
  const code = bytesOf(piece).subarray(0, MOST);
  const references = object.references(piece);
  let next = 0;
  return disassembler.disassemble(arch.name, code, 0).map((instruction) => {
    const { offset, size } = instruction;
    const own: Reference[] = [];
    for (; next < references.length && (references[next] as Reference).offset < offset + size; next++) {
      own.push(references[next] as Reference);
    }
    const bytes = code.subarray(offset, offset + size);
    return { offset, bytes, instruction, references: own };
  });
}

/** Returns the text of an instruction, with the names of what its relocations lead to. */
export function lineText({ instruction, references }: CodeLine): string {
  const [name, ...more] = references.map(({ target }) => targetText(target));
  if (name === undefined) return instructionText(instruction);
  const target = branchTarget(instruction);
  if (instruction.kind === 'instruction' && target !== undefined && more.length === 0) {
    return instruction.textWith(new Map([[target, name]]));
  }
  return `${instructionText(instruction)} <${[name, ...more].join(', ')}>`;
}

/** A place by its name: `rover.0`, `do_domctl+0x12`, the text of a string. */
export function targetText(target: Target): string {
  if (target.kind === 'absolute') return `0x${target.value.toString(16)}`;
  if (target.kind === 'external') return target.name + distance(target.at);
  if (target.piece.kind !== 'strings') return placeIn(target.piece, target.at);
  return JSON.stringify(stringAt(target.piece, target.at));
}

/** Most characters of a string that are shown. */
const STRING = 40;

function stringAt(piece: Piece, at: number): string {
  let text = '';
  for (const byte of piece.section.data().subarray(Math.max(0, piece.start + at), piece.end)) {
    if (byte === 0) break;
    if (text.length >= STRING) return `${text}…`;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Where two instructions that stand beside each other differ. */
export interface CodeDifference {
  readonly before: CodeLine | undefined;
  readonly after: CodeLine | undefined;
}

/** The instructions of two pieces side by side that differ, in order; the generator ends where the one has more than the other. */
export function* differences(
  comparator: Comparator,
  before: Piece,
  after: Piece,
): Generator<CodeDifference, void, void> {
  const old = codeLines(comparator.orig, before);
  const now = codeLines(comparator.patched, after);
  for (let i = 0; i < Math.max(old.length, now.length); i++) {
    const [a, b] = [old[i], now[i]];
    if (a === undefined || b === undefined || !sameLine(comparator, a, b)) yield { before: a, after: b };
    if (a === undefined || b === undefined) return;
  }
}

/**
 * The first difference that means something. Where code has become longer or shorter, the branches over it lead elsewhere, and so do tables of branches: that only
 * follows from what comes later. So do lines of source that are printed. Where there is nothing else, the first of them.
 *
 * @param isLine is it only a line of source that has moved?
 */
export function firstDifference(
  comparator: Comparator,
  before: Piece,
  after: Piece,
  isLine: (a: CodeLine, b: CodeLine) => boolean,
): CodeDifference | undefined {
  let first: CodeDifference | undefined;
  let shift = 0;
  for (const difference of differences(comparator, before, after)) {
    first ??= difference;
    const { before: a, after: b } = difference;
    if (a === undefined || b === undefined) return first === difference ? difference : first;
    if (a.offset + shift !== b.offset) return difference;
    const follows = sameBranch(a, b) || onlyTables(comparator, a, b) || isLine(a, b);
    if (!follows && !(shift !== 0 && sameContent(comparator, a, b))) return difference;
    shift += b.bytes.length - a.bytes.length;
  }
  return first;
}

/** Tells whether two instructions are the same direct branch but for where they lead: x86 has a short and a long form of each. */
function sameBranch(a: CodeLine, b: CodeLine): boolean {
  const [was, is] = [branchTarget(a.instruction), branchTarget(b.instruction)];
  if (was === undefined || is === undefined) return false;
  if (a.bytes.length === b.bytes.length) {
    return equalBytes(withoutField(a.bytes, was.field), withoutField(b.bytes, is.field));
  }
  const [old, now] = [a.instruction, b.instruction];
  return old.kind === 'instruction' && now.kind === 'instruction' && old.operation === now.operation;
}

function sameLine(comparator: Comparator, a: CodeLine, b: CodeLine): boolean {
  return a.offset === b.offset && sameContent(comparator, a, b);
}

/** Do two instructions differ in nothing but a table without a name? A switch's own holds distances within the function. */
function onlyTables(comparator: Comparator, a: CodeLine, b: CodeLine): boolean {
  const isTable = ({ target }: Reference): boolean =>
    target.kind === 'piece' && target.piece.kind === 'constant' && target.piece.symbols.length === 0;
  if (!equalBytes(a.bytes, b.bytes) || a.references.length !== b.references.length) return false;
  return a.references.every((reference, i) => {
    const other = b.references[i] as Reference;
    return (isTable(reference) && isTable(other)) || comparator.sameTarget(reference.target, other.target);
  });
}

/** Are two instructions the same, wherever they are? */
function sameContent(comparator: Comparator, a: CodeLine, b: CodeLine): boolean {
  return equalBytes(a.bytes, b.bytes) && sameReferences(comparator, a, b);
}

/** Tells whether the relocations of two instructions lead to the same. */
export function sameReferences(comparator: Comparator, a: CodeLine, b: CodeLine): boolean {
  if (a.references.length !== b.references.length) return false;
  return a.references.every((reference, i) => {
    const other = b.references[i] as Reference;
    return sameType(reference, other) && comparator.sameTarget(reference.target, other.target);
  });
}
