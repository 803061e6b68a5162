import type { HookKind } from '../xen/index.ts';
import { ArmCode, type ArmName } from './arm-code.ts';
import type { FieldSpec, PayloadSpec, SectionSpec } from './payload-spec.ts';
import { TextPool } from './text-pool.ts';

/** Builds payloads for Arm with hooks made of single instructions. */

/** Writes a function's body. */
export type WriteArm = (code: ArmCode) => ArmCode;

/** Size of a pointer in bytes. */
const POINTERS = { arm64: 8, arm32: 4 } as const;

/** Makes a payload with these functions and hooks. It replaces no function of the hypervisor unless `rest` does. */
export function armHookPayload(
  arch: ArmName,
  functions: Readonly<Record<string, WriteArm>>,
  hooks: Readonly<Partial<Record<HookKind, readonly string[]>>>,
  rest: PayloadSpec = {},
): PayloadSpec {
  const texts = new TextPool();
  const size = POINTERS[arch];
  const code = Object.entries(functions).map(([symbol, write]) => write(new ArmCode(arch, texts)).spec(symbol));
  const sections = Object.entries(hooks).map(([kind, symbols]): SectionSpec => {
    const fields = symbols.map((symbol, i): FieldSpec => ({ at: size * i, symbol }));
    return { name: `.livepatch.hooks.${kind}`, flags: 'A', size: size * symbols.length, align: size, fields };
  });
  return {
    ...rest,
    code: [...(rest.code ?? []), ...code],
    functions: rest.functions ?? [],
    sections: [...(rest.sections ?? []), ...texts.sections(), ...sections],
  };
}
