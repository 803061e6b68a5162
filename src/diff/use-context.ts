import { branchTarget, withoutField } from '../arch/index.ts';
import { contentId, hex } from '../base/index.ts';
import { type CodeLine, codeLines } from './code-lines.ts';
import type { DiffObject } from './object.ts';
import { bytesOf, nameOf, type Piece, type Target, unnumbered } from './piece.ts';
import { codeOf, type Unit } from './unit.ts';

/** Instructions on either side of a use that have to be the same for the two uses to count as one. */
const AROUND = 8;

/** An instruction as text that is the same in both versions, but for which of `wild` it uses. */
interface Token {
  readonly text: string;
  readonly uses: readonly Piece[];
}

/** Uses of variables in two versions of a function. */
export interface SharedUses {
  /** Uses that stand in unchanged surroundings: the variable after, and the one before. */
  readonly pairs: readonly (readonly [Piece, Piece])[];
  /** Variables with a use that stands anywhere else. */
  readonly elsewhere: ReadonlySet<Piece>;
}

/**
 * Pairs the uses of variables in two versions of a function by the code around them: all instructions up to there are the same, or all
 * instructions from there on, and so are those right before and behind it. Which of the variables is used is what is asked, so it does not count.
 */
export function sharedUses(
  orig: DiffObject,
  before: Unit,
  patched: DiffObject,
  after: Unit,
  wild: ReadonlySet<Piece>,
): SharedUses {
  const pairs: (readonly [Piece, Piece])[] = [];
  const elsewhere = new Set<Piece>();
  const [old, now] = [codeOf(before), codeOf(after)];
  for (let i = 0; i < Math.max(old.length, now.length); i++) {
    const was = old[i] === undefined ? [] : tokens(orig, before, old[i] as Piece, wild);
    const is = now[i] === undefined ? [] : tokens(patched, after, now[i] as Piece, wild);
    const same = (at: number, to: number): boolean => was[at]?.text === is[to]?.text;
    let start = 0;
    while (start < was.length && start < is.length && same(start, start)) start++;
    let end = 0;
    while (end < was.length && end < is.length && same(was.length - 1 - end, is.length - 1 - end)) end++;
    const shift = is.length - was.length;
    /** Where the instruction after is that `at` before is; `undefined` where that is not certain. */
    const partner = (at: number): number | undefined => {
      const all = shift === 0 && start === was.length;
      const first = all || at + AROUND < start;
      const last = at - AROUND >= was.length - end;
      if (shift !== 0 && first && last) return undefined;
      return first ? at : last ? at + shift : undefined;
    };
    const met = new Set<number>();
    was.forEach(({ uses }, at) => {
      if (uses.length === 0) return;
      const to = partner(at);
      const other = to === undefined ? undefined : is[to];
      if (other === undefined) for (const use of uses) elsewhere.add(use);
      else {
        met.add(to as number);
        uses.forEach((use, k) => {
          pairs.push([other.uses[k] as Piece, use]);
        });
      }
    });
    is.forEach(({ uses }, at) => {
      if (!met.has(at)) for (const use of uses) elsewhere.add(use);
    });
  }
  return { pairs, elsewhere };
}

function tokens(object: DiffObject, unit: Unit, piece: Piece, wild: ReadonlySet<Piece>): Token[] {
  const own = new Set(codeOf(unit));
  return codeLines(object, piece).map((line) => {
    const uses: Piece[] = [];
    const marks = line.references.map(({ target, branch }) => {
      if (target.kind === 'piece' && wild.has(target.piece)) {
        uses.push(target.piece);
        return `wild+${target.at}`;
      }
      return branch ? `to ${targetMark(target, own)}` : targetMark(target, own);
    });
    return { text: `${instructionMark(line)} ${marks.join(' ')}`, uses };
  });
}

/** An instruction without the distance that a branch within the function has: that depends on what lies between. */
function instructionMark({ instruction, bytes, references }: CodeLine): string {
  const target = references.length > 0 ? undefined : branchTarget(instruction);
  return (target === undefined ? bytes : withoutField(bytes, target.field)).join();
}

function targetMark(target: Target, own: ReadonlySet<Piece>): string {
  if (target.kind === 'absolute') return String(target.value);
  if (target.kind === 'external') return `${target.name}+${target.at}`;
  const { piece, at } = target;
  if (own.has(piece)) return 'own';
  if (piece.kind === 'strings') return `"${bytesOf(piece).subarray(Math.max(0, at)).join()}"`;
  const name = unnumbered(nameOf(piece));
  return name === '' || piece.kind === 'constant' ? `${hex(contentId(bytesOf(piece)))}+${at}` : `${name}+${at}`;
}
