import { ARM_HOOK_CASES } from './conform-cases-arm.ts';
import { CALL_CASES } from './conform-cases-calls.ts';
import { ELF_CASES } from './conform-cases-elf.ts';
import { HOOK_CASES } from './conform-cases-hooks.ts';
import { LIFE_CASES } from './conform-cases-life.ts';
import { PAYLOAD_CASES } from './conform-cases-payload.ts';
import { PRINTK_CASES } from './conform-cases-printk.ts';
import { TRAP_CASES } from './conform-cases-traps.ts';
import { type ConformCase, onX86, stepText } from './conform-types.ts';

/** Every case, in the order in which they are run. */
export const CONFORM_CASES: readonly ConformCase[] = [
  ...LIFE_CASES,
  ...CALL_CASES,
  ...PAYLOAD_CASES,
  ...ELF_CASES,
  ...onX86([...HOOK_CASES, ...TRAP_CASES, ...PRINTK_CASES]),
  ...ARM_HOOK_CASES,
];

/** What the step of that number, counted from 1, of a case does, in words; empty where there is none. */
export function conformStepText(name: string, step: number): string {
  const found = CONFORM_CASES.find((each) => each.name === name)?.steps[step - 1];
  return found === undefined ? '' : stepText(found);
}
