import { LIVEPATCH_MAX_SECTIONS, LIVEPATCH_MAX_SIZE } from '../../xen/index.ts';
import type { LintRule } from '../rule.ts';

/** Above seven eighths of the limit, the next fix may not fit. */
const NEAR = (LIVEPATCH_MAX_SIZE / 8) * 7;
const NEAR_SECTIONS = (LIVEPATCH_MAX_SECTIONS / 8) * 7;

/** The file is near or over Xen's limits. Xen prints nothing when it refuses a larger one. Source: xen/livepatch.h, livepatch_elf.c. */
export const largePayload: LintRule = {
  id: 'large-payload',
  coveredBy: ['payload-too-large'],
  *check({ content }) {
    const { bytes, sections } = content.elf;
    const debug = sections.reduce((sum, { name, size }) => sum + (name.startsWith('.debug_') ? size : 0), 0);
    if (bytes.length > NEAR) {
      const how =
        bytes.length > LIVEPATCH_MAX_SIZE ? 'Xen refuses it (EINVAL) and prints nothing' : 'the next fix may not fit';
      const hint = debug > 0 ? `. It has ${debug} bytes of debug information: strip it` : '';
      yield {
        message: `the file has ${bytes.length} bytes, and Xen's limit is ${LIVEPATCH_MAX_SIZE}: ${how}${hint}`,
        where: {},
      };
    }
    if (sections.length > NEAR_SECTIONS) {
      const message = `the file has ${sections.length} sections, and Xen's limit is ${LIVEPATCH_MAX_SECTIONS - 1}: link with -r and a script that merges .text.* and .rodata.*`;
      yield { message, where: {} };
    }
  },
};
