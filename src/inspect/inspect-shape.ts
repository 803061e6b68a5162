import type { Finding } from '../base/index.ts';
import { SHT_REL, SHT_RELA } from '../elf/index.ts';
import type { PayloadFile } from '../payload/index.ts';
import { LIVEPATCH_MAX_SECTIONS, LIVEPATCH_MAX_SIZE } from '../xen/index.ts';

/** Why a file is not read through, and what can be told of it all the same. */
export interface OddShape extends Omit<Finding, 'severity'> {
  readonly parts: 'none' | 'sections';
}

/**
 * Files whose parts are many times the file: a few megabytes can ask for days of work, or for all memory, by naming the
 * same bytes over and over. Xen refuses the first two kinds itself (livepatch_header_check, verify_payload), and no linker
 * makes the third.
 */
export function shape(payload: PayloadFile): OddShape | undefined {
  const { sections, bytes } = payload.elf;
  if (sections.length >= LIVEPATCH_MAX_SECTIONS) {
    const message = `${sections.length} sections: Xen takes less than ${LIVEPATCH_MAX_SECTIONS} (EOPNOTSUPP)`;
    return { rule: 'section-count', message, where: {}, parts: 'none' };
  }
  if (bytes.length > LIVEPATCH_MAX_SIZE) {
    const limit = `Xen takes at most ${LIVEPATCH_MAX_SIZE} (EINVAL, and it prints nothing)`;
    const message = `${bytes.length} bytes: ${limit}; only the sections are shown`;
    return { rule: 'payload-size', message, where: {}, parts: 'sections' };
  }
  const tables = sections.filter(({ type }) => type === SHT_RELA || type === SHT_REL);
  const relocated = tables.reduce((sum, { size }) => sum + Math.min(size, bytes.length), 0);
  if (relocated > bytes.length) {
    const message = 'the relocation sections are larger together than the file: they overlap, or end beyond it';
    return { rule: 'relocation-overlap', message, where: {}, parts: 'sections' };
  }
  return undefined;
}
