import type { Architecture } from './architecture.ts';
import { ARM32 } from './arm32/index.ts';
import { ARM64 } from './arm64/index.ts';
import { X86_64 } from './x86_64/index.ts';

/** Every architecture that has live patches. */
export const ARCHITECTURES: readonly Architecture[] = [X86_64, ARM64, ARM32];

/** Returns the architecture with this `e_machine` or name; `undefined` if it has no live patches. */
export const architectureOf = (which: number | Architecture['name']): Architecture | undefined =>
  ARCHITECTURES.find(({ machine, name }) => machine === which || name === which);
