import type { LintRule } from '../rule.ts';

/** Characters that break a line on the console and in the list of payloads. Source: common/livepatch.c, apply_payload and livepatch_list. */
const UNPRINTABLE = /[^\x20-\x7e]/;

/** Metadata must be strings of printable characters, each with its NUL. */
export const metadata: LintRule = {
  id: 'metadata',
  coveredBy: ['bad-metadata'],
  *check({ content, release }) {
    const { metadata: found } = content;
    if (found === undefined || found.section.size === 0) return;
    const where = { section: found.section.name };
    if (!found.terminated) {
      yield {
        message: 'the last string has no NUL: Xen refuses the payload (EINVAL)',
        where: { ...where, offset: found.section.size - 1 },
      };
    }
    let offset = 0;
    for (const text of found.strings) {
      const place = { ...where, offset };
      offset += text.length + 1;
      if (text === '') yield { message: 'an empty string: two consecutive NULs print an empty line', where: place };
      else if (UNPRINTABLE.test(text)) {
        yield {
          message:
            'a string has a control character or a byte above 0x7e, which breaks the line on the console and in the list of payloads',
          where: place,
        };
      }
    }
    if (!release.modinfo) {
      yield { message: `${release.version} does not support metadata and ignores the section`, where };
    }
  },
};
