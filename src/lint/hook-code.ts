import type { HookKind } from '../xen/index.ts';
import type { LintContext, NewFunction } from './context.ts';
import { within } from './search.ts';

/** A function of the payload that is a hook, or that a hook calls. */
export interface HookCode {
  readonly kind: HookKind;
  readonly func: NewFunction;
  /** Symbol of the hook. */
  readonly hook: string;
}

/** Maximum number of functions per kind of hook. */
const MAX_FUNCTIONS = 64;

/** Returns the hooks and, transitively, the payload's functions that they call directly; each once per kind of hook. */
export function hookCode(context: LintContext): readonly HookCode[] {
  return context.once('hookCode', () => {
    const found: HookCode[] = [];
    for (const { kind, entries } of context.content.hooks) {
      const seen = new Map<NewFunction, string>();
      const follow = (func: NewFunction | undefined, hook: string): void => {
        if (func !== undefined && !seen.has(func) && seen.size < MAX_FUNCTIONS) seen.set(func, hook);
      };
      for (const pointer of entries) {
        if (seen.size >= MAX_FUNCTIONS) break;
        const func = pointer.kind === 'section' ? context.functionAt(pointer.section, pointer.offset) : undefined;
        follow(func, func?.symbol ?? '');
      }
      for (const [func, hook] of seen) {
        found.push({ kind, func, hook });
        for (const callee of callees(context, func)) follow(callee, hook);
      }
    }
    return found;
  });
}

function* callees(
  context: LintContext,
  { section: index, offset, size }: NewFunction,
): Generator<NewFunction | undefined> {
  const section = context.content.elf.sections[index];
  if (section === undefined) return;
  for (const { row, target } of within(context.relocationsOf(section), offset, offset + size, (each) => each.offset)) {
    if (row?.relative === 'place' && target.kind === 'section')
      yield context.functionAt(target.section, target.offset + row.pcOffset);
  }
  for (const { target } of within(callsInside(context, index), offset, offset + size, ({ at }) => at)) {
    yield context.functionAt(index, target);
  }
}

/** Returns the branches of a section to its own functions, in order: these need no relocation. */
const callsInside = (context: LintContext, index: number) =>
  context.once(`calls in ${index}`, () => {
    const code = context.content.elf.sections[index]?.data() ?? new Uint8Array(0);
    const starts = context.newFunctions.flatMap(({ section, offset }) =>
      section === index ? [{ start: offset, end: offset + 1 }] : [],
    );
    return context.arch.code?.branchesTo(code, starts) ?? [];
  });
