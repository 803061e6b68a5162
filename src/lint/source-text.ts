import type { SourcePlace } from '../dwarf/index.ts';

/** Formats a source place as ` (common/domain.c:120)`; empty if it is unknown. */
export const sourceText = (place: SourcePlace | undefined): string =>
  place === undefined ? '' : ` (${place.file}:${place.line})`;
