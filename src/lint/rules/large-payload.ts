import { LIVEPATCH_MAX_SECTIONS, LIVEPATCH_MAX_SIZE } from '../../xen/index.ts';
import type { LintRule } from '../rule.ts';

/** From here on the next fix may not fit: seven eighths of what Xen takes. */
const NEAR = (LIVEPATCH_MAX_SIZE / 8) * 7;
const NEAR_SECTIONS = (LIVEPATCH_MAX_SECTIONS / 8) * 7;

/** The file is near, or over, what Xen takes; it refuses a larger one without a word. Source: xen/livepatch.h, livepatch_elf.c. */
export const largePayload: LintRule = {
  id: 'large-payload',
  saidBy: ['payload-too-large'],
  *check({ content }) {
    const { bytes, sections } = content.elf;
    const debug = sections.reduce((sum, { name, size }) => sum + (name.startsWith('.debug_') ? size : 0), 0);
    if (bytes.length > NEAR) {
      const how =
        bytes.length > LIVEPATCH_MAX_SIZE ? 'Xen refuses it (EINVAL) and prints nothing' : 'the next fix may not fit';
      const hint = debug > 0 ? `. ${debug} bytes of it are debug information: strip it` : '';
      yield {
        message: `the file has ${bytes.length} bytes of the ${LIVEPATCH_MAX_SIZE} that Xen takes: ${how}${hint}`,
        where: {},
      };
    }
    if (sections.length > NEAR_SECTIONS) {
      const message = `${sections.length} sections, of which Xen takes ${LIVEPATCH_MAX_SECTIONS - 1}: link with -r and a script that merges .text.* and .rodata.*`;
      yield { message, where: {} };
    }
  },
};
