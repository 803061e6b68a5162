import type { Architecture } from '../../src/arch/index.ts';
import { ElfFields } from '../../src/synth/elf-fields.ts';
import { buildPayload } from '../../src/synth/payload-builder.ts';
import type { XenFacts } from '../../src/synth/xen-facts.ts';
import { baseSpecs, type MutantParts } from './base-specs.ts';
import { ARM32_PARTS, ARM64_PARTS } from './bases-arm.ts';
import { X86_PARTS } from './bases-x86.ts';

/** The parts of the payloads that each architecture has to itself. */
export const MUTANT_PARTS: Readonly<Record<Architecture['name'], MutantParts>> = {
  x86_64: X86_PARTS,
  arm64: ARM64_PARTS,
  arm32: ARM32_PARTS,
};

/** A sound payload, and where its fields are. */
export interface MutantBase {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly elf: ElfFields;
}

/** The sound payloads, made for this hypervisor. */
export function mutantBases(xen: XenFacts): MutantBase[] {
  return Object.entries(baseSpecs(MUTANT_PARTS[xen.arch.name])).map(([name, spec]) => {
    const bytes = buildPayload(spec, { xen });
    return { name, bytes, elf: new ElfFields(bytes) };
  });
}
