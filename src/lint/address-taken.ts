import { SHF_EXECINSTR } from '../elf/index.ts';
import { bytesAt, type PayloadPointer } from '../payload/index.ts';
import { ELF_ALT_CALL_SITES, ELF_ALTINSTRUCTIONS, ELF_EX_TABLE, ELF_LIVEPATCH_FUNC } from '../xen/index.ts';
import type { LintContext } from './context.ts';

/** A function of the payload that is called indirectly. */
export interface IndirectTarget {
  readonly symbol: string;
  /** Section index. */
  readonly section: number;
  /** In bytes from the start of the section. */
  readonly offset: number;
  /** Why it is an indirect target, as a clause for messages. */
  readonly why: string;
  /** Its first four bytes. */
  readonly start: Uint8Array;
}

/** Sections whose addresses nothing calls. */
const NOT_CALLED = new Set([ELF_LIVEPATCH_FUNC, ELF_ALTINSTRUCTIONS, ELF_ALT_CALL_SITES, ELF_EX_TABLE]);

/** Returns the payload's functions that relocations show to be indirect call targets; each once, in file order. */
export function indirectTargets(context: LintContext): IndirectTarget[] {
  const { content, newFunctions } = context;
  const functions = new Map(newFunctions.map((func) => [`${func.section}+${func.offset}`, func]));
  const found = new Map<string, IndirectTarget>();
  const take = (pointer: PayloadPointer, behind: number, why: string, any: boolean): void => {
    if (pointer.kind !== 'section') return;
    const offset = pointer.offset + behind;
    const key = `${pointer.section}+${offset}`;
    const func = functions.get(key);
    // An address inside a function is a label of a jump table.
    if (found.has(key) || (func === undefined && !any)) return;
    const place = { section: pointer.section, offset };
    const start = bytesAt(content.elf, { ...pointer, offset }, 4);
    found.set(key, { symbol: func?.symbol ?? pointer.symbol ?? '', ...place, why, start });
  };
  for (const { kind, entries } of content.hooks) {
    for (const pointer of entries) take(pointer, 0, `it is a ${kind} hook`, true);
  }
  for (const { type, entries } of content.bugFrames) {
    if (type === 'run_fn') for (const { ptr } of entries) take(ptr, 0, 'a bug frame runs it', true);
  }
  const hooks = new Set(content.hooks.map(({ section }) => section.index));
  const takes = context.arch.code?.takesAddressAt;
  for (const section of context.loadedSections) {
    if (NOT_CALLED.has(section.name) || hooks.has(section.index) || section.name.startsWith('.bug_frames.')) continue;
    const code = (section.flags & SHF_EXECINSTR) === 0 ? undefined : section.data();
    for (const { offset, row, target } of context.relocationsOf(section)) {
      const why = `its address is taken at ${section.name}+0x${offset.toString(16)}`;
      if (row?.relative === 'no' && row.width > 0) take(target, 0, why, false);
      else if (row?.relative === 'place' && code !== undefined && takes?.(code, offset) === true) {
        take(target, row.pcOffset, why, false);
      }
    }
  }
  return [...found.values()];
}
