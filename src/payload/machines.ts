import { EM_AARCH64, EM_ARM, EM_X86_64 } from '../elf/index.ts';
import type { XenArch } from '../xen/index.ts';
import { type AlternativesReader, readArmAlternatives, readX86Alternatives } from './alternatives.ts';
import { type BugFramesReader, readArmBugFrames, readX86BugFrames } from './bug-frames.ts';

/** Differences between payload files of one machine and another. */
export interface PayloadMachine {
  readonly arch: XenArch;
  readonly readAlternatives: AlternativesReader;
  readonly readBugFrames: BugFramesReader;
}

const MACHINES: Readonly<Record<number, PayloadMachine>> = {
  [EM_X86_64]: { arch: 'x86_64', readAlternatives: readX86Alternatives, readBugFrames: readX86BugFrames },
  [EM_AARCH64]: { arch: 'arm64', readAlternatives: readArmAlternatives, readBugFrames: readArmBugFrames },
  [EM_ARM]: { arch: 'arm32', readAlternatives: readArmAlternatives, readBugFrames: readArmBugFrames },
};

/** Returns the machine of a payload by `e_machine`, or `undefined` for machines without live patches. */
export const payloadMachine = (machine: number): PayloadMachine | undefined => MACHINES[machine];
