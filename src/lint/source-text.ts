import type { SourcePlace } from '../dwarf/index.ts';

/** ` (common/domain.c:120)`; empty where the source is not known. */
export const sourceText = (place: SourcePlace | undefined): string =>
  place === undefined ? '' : ` (${place.file}:${place.line})`;
