import type { HookKind } from '../xen/index.ts';
import type { LintContext, NewFunction } from './context.ts';

/** A function of the payload that a hook is, or that one calls. */
export interface HookCode {
  readonly kind: HookKind;
  readonly func: NewFunction;
  /** The hook's own function. */
  readonly hook: string;
}

/** Most functions that are followed from one hook. */
const MOST = 64;

/** For each hook its function, and the functions of the payload that it calls directly, however deep. */
export function hookCode(context: LintContext): readonly HookCode[] {
  return context.once('hookCode', () => {
    const found: HookCode[] = [];
    for (const { kind, entries } of context.content.hooks) {
      for (const pointer of entries) {
        const first = pointer.kind === 'section' ? functionAt(context, pointer.section, pointer.offset) : undefined;
        if (first === undefined) continue;
        const seen = new Set([first]);
        for (const func of seen) {
          found.push({ kind, func, hook: first.symbol });
          for (const callee of callees(context, func)) if (seen.size < MOST) seen.add(callee);
        }
      }
    }
    return found;
  });
}

const functionAt = ({ newFunctions }: LintContext, section: number, offset: number): NewFunction | undefined =>
  newFunctions.find(
    (func) => func.section === section && offset >= func.offset && offset < func.offset + Math.max(func.size, 1),
  );

function* callees(context: LintContext, { section: index, offset, size }: NewFunction): Generator<NewFunction> {
  const section = context.content.elf.sections[index];
  const forms = context.arch.code;
  if (section === undefined || forms === undefined) return;
  for (const { offset: at, row, target } of context.relocationsOf(section)) {
    if (at < offset || at >= offset + size) continue;
    if (row?.formula !== 'S + A - P' || target.kind !== 'section') continue;
    const callee = functionAt(context, target.section, target.offset + row.width);
    if (callee !== undefined) yield callee;
  }
  // Calls inside of a section need no relocation.
  const code = section.data();
  const wanted = new Uint8Array(code.length);
  for (const func of context.newFunctions)
    if (func.section === index && func.offset < code.length) wanted[func.offset] = 1;
  for (const { at, target } of forms.branchesTo(code, wanted)) {
    if (at < offset || at >= offset + size) continue;
    const callee = functionAt(context, index, target);
    if (callee !== undefined) yield callee;
  }
}
