import { branchTarget, type Instruction, instructionText } from '../arch/index.ts';
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
