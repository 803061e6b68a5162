import type { LintRule } from '../rule.ts';

/** Debug information in the payload. Xen copies the whole file, and accepts 2 MiB; unstripped payloads of real fixes had up to 1.27 MB. */
export const debugSections: LintRule = {
  id: 'debug-sections',
  *check({ content }) {
    const debug = content.elf.sections.filter(({ name }) => name.startsWith('.debug_') || name.startsWith('.stab'));
    const [first] = debug;
    if (first === undefined) return;
    const size = debug.reduce((sum, section) => sum + section.size, 0);
    const message = `${debug.length} sections with ${size} bytes of debug information, in a file of ${content.elf.bytes.length} bytes. Move them to a file of their own: objcopy --only-keep-debug, then strip --strip-debug`;
    yield { message, where: { section: first.name } };
  },
};
