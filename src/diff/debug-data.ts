import type { DwarfFile } from '../dwarf/index.ts';

/** Debug data of both objects, where they have some. */
export interface DebugData {
  readonly orig: DwarfFile | undefined;
  readonly patched: DwarfFile | undefined;
}
