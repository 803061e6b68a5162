import { branchTarget, constantMoved, endsFlow, type Flow, writes, writtenRegisters } from '../arch/index.ts';
import { latin1 } from '../base/index.ts';
import { type CodeLine, codeLines, targetText } from './code-lines.ts';
import type { Comparator } from './compare.ts';
import { type Piece, textAt } from './piece.ts';

/** Which argument of a function of Xen is the format of those behind it. Sources: xen/include/xen/lib.h, xen/common/debugtrace.c. */
const FORMAT: Readonly<Record<string, number>> = { printk: 0, panic: 0, debugtrace_printk: 0, guest_printk: 1 };

/** Which argument of a function of Xen is a line. Source: AE_INFO in xen/include/acpi/acmacros.h. */
const LINE: Readonly<Record<string, number>> = {
  acpi_ut_error: 1,
  acpi_ut_warning: 1,
  acpi_ut_info: 1,
  acpi_ns_report_error: 1,
  acpi_ns_report_method_error: 1,
};

const CONVERSION = /%(?:%|[-+ #0]*(\*|\d+)?(?:\.(\*|\d+))?(?:hh|h|ll|l|z|t|j)?([a-zA-Z]))/g;

/** What stands before a line: the file, as in dprintk and domain_crash, or the word. */
const BEFORE_LINE = /%s:$|\bline:? $/i;

const CALLS: ReadonlySet<Flow> = new Set(['call', 'indirect-call']);

/** Most instructions between an argument and its call. */
const NEAR = 64;

/**
 * Tells whether the constant that an instruction of the patched object moves is an argument of a call that takes a line there: the callee has an argument for
 * lines, or its format names one (`%s:%d`). A constant on its way through memory or another register is none.
 */
export function isLineArgument({ patched }: Comparator, piece: Piece, line: CodeLine): boolean {
  const { argumentNames } = patched.context.arch.execution.calls;
  const argumentOf = (each: CodeLine): number =>
    argumentNames.findIndex((own) => writtenRegisters(each.instruction).some((name) => own.includes(name)));
  const argument = constantMoved(line.instruction) === undefined ? -1 : argumentOf(line);
  const lines = argument < 0 ? [] : codeLines(patched, piece);
  const path = pathToCall(lines, line);
  if (path === undefined || path.between.some((each) => argumentOf(each) === argument)) return false;
  if (LINE[path.callee] === argument) return true;
  const format = FORMAT[path.callee];
  if (format === undefined) return false;
  const load = [...path.between.reverse(), ...path.before].find((each) => argumentOf(each) === format);
  const text = load === undefined ? null : (loadedText(load) ?? keptText(lines, load));
  return text !== null && lineArguments(text).includes(argument - format - 1);
}

/** The text whose address an instruction takes. */
function loadedText({ references }: CodeLine): string | undefined {
  const target = references.find(({ branch }) => !branch)?.target;
  return target?.kind === 'piece' ? latin1(textAt(target.piece, target.at)) : undefined;
}

/** The text that a register keeps for the whole function, where an instruction copies that register; `null` where it keeps several things, or none. */
function keptText(lines: readonly CodeLine[], { instruction }: CodeLine): string | null {
  const operands = instruction.kind === 'bad' ? [] : instruction.operands;
  const source = operands.find((each) => each.kind === 'register' && !writes(each.access));
  if (operands.length !== 2 || source?.kind !== 'register') return null;
  const texts = new Set<string | null>();
  for (const line of lines) {
    if (!writtenRegisters(line.instruction).includes(source.name)) continue;
    const text = loadedText(line);
    if (text !== undefined) texts.add(text);
    else if (!restores(line)) texts.add(null);
  }
  const [only = null] = texts;
  return texts.size === 1 ? only : null;
}

/** Does an instruction write nothing but registers, from memory that only the stack pointer can lead to? So functions give back what they were entered with. */
const restores = ({ instruction }: CodeLine): boolean =>
  instruction.kind === 'instruction' &&
  instruction.operands.every(
    (each) => (each.kind === 'register' && each.access === 'write') || (each.kind === 'memory' && each.base === 'sp'),
  );

/** The call that control reaches from an instruction, with those on the way there, and those on the way to it in reverse. */
function pathToCall(
  lines: readonly CodeLine[],
  from: CodeLine,
): { readonly callee: string; readonly between: CodeLine[]; readonly before: readonly CodeLine[] } | undefined {
  const at = new Map(lines.map(({ offset }, i) => [offset, i]));
  const start = at.get(from.offset) ?? 0;
  const before: CodeLine[] = [];
  for (let i = start - 1; i >= Math.max(0, start - NEAR); i--) {
    const line = lines[i] as CodeLine;
    const { instruction } = line;
    if (instruction.kind === 'bad' || endsFlow(instruction) || CALLS.has(instruction.flow)) break;
    before.push(line);
  }
  const between: CodeLine[] = [];
  for (let i: number | undefined = start + 1; i !== undefined && between.length < NEAR; ) {
    const line: CodeLine | undefined = lines[i];
    if (line === undefined || line.instruction.kind === 'bad') return undefined;
    const called = line.references.find(({ branch }) => branch);
    // A call at the end may be a jump.
    if (called !== undefined && !line.instruction.conditional) {
      return { callee: targetText(called.target), between, before };
    }
    between.push(line);
    const to: number | undefined = branchTarget(line.instruction)?.place;
    if (endsFlow(line.instruction)) i = to === undefined ? undefined : at.get(to);
    else i = CALLS.has(line.instruction.flow) ? undefined : i + 1;
  }
  return undefined;
}

/** Which of the arguments behind a format are lines; the first is 0. */
function lineArguments(format: string): number[] {
  const found: number[] = [];
  let argument = 0;
  for (const match of format.matchAll(CONVERSION)) {
    const [, width, precision, letter = ''] = match;
    if (letter === '') continue;
    if (width === '*') argument++;
    if (precision === '*') argument++;
    if ((letter === 'd' || letter === 'u') && BEFORE_LINE.test(format.slice(0, match.index))) found.push(argument);
    argument++;
  }
  return found;
}
