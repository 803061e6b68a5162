import type { Finding } from '../base/index.ts';
import { SHT_REL, SHT_RELA } from '../elf/index.ts';
import type { PayloadFile } from '../payload/index.ts';
import { LIVEPATCH_MAX_SECTIONS, LIVEPATCH_MAX_SIZE } from '../xen/index.ts';

/** Why inspect does not read a file completely, and the parts that it shows anyway. */
export interface OddShape extends Omit<Finding, 'severity'> {
  readonly parts: 'none' | 'sections';
}

/**
 * Detects files that would take excessive time or memory because they are too large or refer to the same bytes again and again. Xen
 * refuses the first two kinds itself (livepatch_header_check, verify_payload), and no linker writes the third.
 */
export function shape(payload: PayloadFile): OddShape | undefined {
  const { sections, bytes } = payload.elf;
  if (sections.length >= LIVEPATCH_MAX_SECTIONS) {
    const message = `the file has ${sections.length} sections, but Xen accepts at most ${LIVEPATCH_MAX_SECTIONS - 1} (EOPNOTSUPP)`;
    return { rule: 'section-count', message, where: {}, parts: 'none' };
  }
  if (bytes.length > LIVEPATCH_MAX_SIZE) {
    const limit = `Xen accepts at most ${LIVEPATCH_MAX_SIZE} (EINVAL, without a message)`;
    const message = `the file has ${bytes.length} bytes, but ${limit}; showing only the sections`;
    return { rule: 'payload-size', message, where: {}, parts: 'sections' };
  }
  const tables = sections.filter(({ type }) => type === SHT_RELA || type === SHT_REL);
  const relocated = tables.reduce((sum, { size }) => sum + Math.min(size, bytes.length), 0);
  if (relocated > bytes.length) {
    const message = 'the relocation sections together are larger than the file: they overlap, or end past it';
    return { rule: 'relocation-overlap', message, where: {}, parts: 'sections' };
  }
  return undefined;
}
