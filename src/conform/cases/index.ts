import { type ConformCase, onX86, stepText } from '../case.ts';
import { ARM_HOOK_CASES } from './arm.ts';
import { CALL_CASES } from './calls.ts';
import { ELF_CASES } from './elf.ts';
import { HOOK_CASES } from './hooks.ts';
import { LIFE_CASES } from './life.ts';
import { PAYLOAD_CASES } from './payload.ts';
import { PRINTK_CASES } from './printk.ts';
import { TRAP_CASES } from './traps.ts';

/** Every case, in the order in which they are run. */
export const CONFORM_CASES: readonly ConformCase[] = [
  ...LIFE_CASES,
  ...CALL_CASES,
  ...PAYLOAD_CASES,
  ...ELF_CASES,
  ...onX86([...HOOK_CASES, ...TRAP_CASES, ...PRINTK_CASES]),
  ...ARM_HOOK_CASES,
];

/** Returns a step of a case in words, counted from 1; empty if there is no such step. */
export function conformStepText(name: string, step: number): string {
  const found = CONFORM_CASES.find((each) => each.name === name)?.steps[step - 1];
  return found === undefined ? '' : stepText(found);
}
