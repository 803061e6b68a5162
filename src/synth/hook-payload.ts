import type { HookKind } from '../xen/index.ts';
import type { FieldSpec, PayloadSpec, SectionSpec } from './payload-spec.ts';
import { TextPool } from './text-pool.ts';
import { CodeWriter, type X86Value } from './x86-code.ts';

/** Builds payloads with hooks made of single instructions. */

/** Writes a function's body. */
export type WriteCode = (code: CodeWriter) => CodeWriter;

/** Makes the section of a kind of hook, with pointers to these symbols. */
export function hookSection(kind: HookKind, symbols: readonly string[]): SectionSpec {
  const fields = symbols.map((symbol, i): FieldSpec => ({ at: 8 * i, symbol }));
  return { name: `.livepatch.hooks.${kind}`, flags: 'A', size: 8 * symbols.length, align: 8, fields };
}

/** Makes a payload with these functions and hooks. It replaces no function of the hypervisor unless `rest` does. */
export function hookPayload(
  functions: Readonly<Record<string, WriteCode>>,
  hooks: Readonly<Partial<Record<HookKind, readonly string[]>>>,
  rest: PayloadSpec = {},
): PayloadSpec {
  const texts = new TextPool();
  const code = Object.entries(functions).map(([symbol, write]) => write(new CodeWriter(texts)).spec(symbol));
  const sections = (Object.entries(hooks) as [HookKind, readonly string[]][]).map(([kind, symbols]) =>
    hookSection(kind, symbols),
  );
  return {
    ...rest,
    code: [...(rest.code ?? []), ...code],
    functions: rest.functions ?? [],
    sections: [...(rest.sections ?? []), ...texts.sections(), ...sections],
  };
}

/** Calls printk; the format begins with the level as Xen writes it: `<0>`. */
export const say = (code: CodeWriter, format: string, ...args: X86Value[]): CodeWriter =>
  code.callWith('printk', [{ text: format }, ...args]);

/** Writes a hook with its `struct payload` in rbx. It returns `result`, which Xen heeds for some kinds only. */
export const hook =
  (write: WriteCode, result = 0): WriteCode =>
  (code) =>
    write(code.push('rbx').move('rbx', 'rdi')).set('rax', BigInt(result)).pop('rbx').ret();
