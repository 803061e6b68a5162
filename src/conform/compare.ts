import type { ConformDifference, ObservedValue } from '../documents/index.ts';
import type { Observation } from './observe.ts';

/** A field on which two hosts differ; `null` where a host does not have it. */
export type FieldDifference = Omit<ConformDifference, 'case' | 'step'>;

/** Returns the fields that differ, in the form in which they are compared. A field that only one side has counts. */
export function compare(simulated: Observation, real: Observation): FieldDifference[] {
  const [left, right] = [comparable(simulated), comparable(real)];
  return [...new Set([...left.keys(), ...right.keys()])]
    .map((field) => ({ field, simulated: left.get(field) ?? null, real: right.get(field) ?? null }))
    .filter((each) => !sameValue(each.simulated, each.real));
}

function sameValue(a: ObservedValue, b: ObservedValue): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  return a.length === b.length && a.every((line, i) => line === b[i]);
}

/** What two hosts of one build must have in common. */
function comparable(seen: Observation): Observation {
  const fields: Observation = new Map();
  for (const [field, value] of seen) {
    const lines = field === 'screen' || field === 'console' ? (value as readonly string[]) : null;
    if (field === 'screen') fields.set(field, whereItDied(lines ?? []));
    else fields.set(field, lines === null ? value : withoutRegisters(lines).map(stableLine));
  }
  return fields;
}

/** A line without what differs from run to run, the number of the master CPU, and without dprintk's line number, which no image tells. */
export const stableLine = (line: string): string =>
  line.replace(/^(\S+\.c):\d+: /, '$1: ').replace(/: CPU\d+ - IPIing/, ': CPU - IPIing');

/**
 * Returns what a panic's screen tells besides its message: the address whose page tables were walked, and the function. The tables above an
 * unmapped address differ with the host's memory; the place in the function is the compiler's.
 */
function whereItDied(screen: readonly string[]): string[] {
  const rip = screen.find((line) => line.startsWith('RIP:')) ?? '';
  const walks = screen.filter((line) => line.startsWith('Pagetable walk from'));
  return [...walks, /\] ?([^+\s]*)/.exec(rip)?.[1] ?? ''];
}

/** First and last lines of what show_execution_state prints. Source: xen/arch/x86/traps.c, x86_64/traps.c; xen/arch/arm/traps.c. */
const STATE_BANNER = /^----\[ Xen-/;
const CALL_TRACE = 'Xen call trace:';
/** A line of values: stack words, or an address of the call trace other than where the processor was. */
const STACK_LINE = /^ {3}(?:[0-9a-f]{8}){1,2}(?: |$)|^ {3}\[<(?:[0-9a-f]{8}|[0-9a-f]{16}|\?)>\] (?!R ).*(?<! \(PC\))$/;
/** `rax: 0123456789abcdef`, or `rsp=0123456789abcdef`: the name is kept. */
const REGISTER_VALUE =
  /\b((?:r(?:[a-d]x|[sb]p|[sd]i|\d+)|cr\d|[fg]sb|gss|[d-gs]s|RFLAGS): +|rsp=|(?:[XR]\d+|LR|SP|FP|CPSR|[A-Z0-9]+_EL2|HDFAR|HIFAR): *|sp=)(?:[0-9a-f]+|\[\.\.\.\])/g;

/**
 * Returns lines without the register values and stack words of a processor's state (WARN, run_fn): they belong to one build and one run. RIP, the
 * code around it and the first line of the call trace stay.
 */
export function withoutRegisters(lines: readonly string[]): string[] {
  const kept: string[] = [];
  let state: 'none' | 'registers' | 'trace' = 'none';
  for (const line of lines) {
    if (STATE_BANNER.test(line)) state = 'registers';
    else if (line === CALL_TRACE) state = 'trace';
    else if (state === 'trace' && !line.startsWith('   [<')) state = 'none';
    if (state !== 'none' && STACK_LINE.test(line)) continue;
    kept.push(state === 'registers' ? line.replace(REGISTER_VALUE, '$1').trimEnd() : line);
  }
  return kept;
}
