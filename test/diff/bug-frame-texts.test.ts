import { afterAll, describe, expect, it } from 'vitest';
import { type ElfFile, isProblem, readElf } from '../../src/elf/index.ts';
import { type Subject, type SubjectArch, subject } from './support/subject.ts';

const subjects: Subject[] = [];
afterAll(() => {
  for (const each of subjects) each.remove();
});

const HEAD = '#include <xen.h>\n';
const source = (check: string): string => `${HEAD}noinline int f(int x) { ${check}; return x + 1; }\n`;
/** The section of warnings in releases where run_fn is the first type. */
const FRAMES = '.bug_frames.1';

/** Where the fields of the payload's bug frames lead, and the offset there. */
function fieldsOf(elf: ElfFile): { name: string; defined: boolean; addend: bigint }[] {
  const table = elf.relocationsOf(elf.section(FRAMES)?.index ?? 0)[0];
  return Array.from({ length: table?.count ?? 0 }, (_, i) => {
    const symbol = table?.symbol(i) ?? 0;
    const name = elf.symbols.displayName(symbol);
    return { name, defined: elf.symbols.sectionIndex(symbol) !== undefined, addend: table?.addend(i) ?? 0n };
  });
}

/** The payload object for a change of `a.c`, and its hypervisor. */
async function built(arch: SubjectArch, before: string, after: string): Promise<{ elf: ElfFile; made: Subject }> {
  const made = await subject(arch, { 'a.c': before });
  subjects.push(made);
  const diff = made.diff({ 'a.c': after });
  expect(diff.refusals).toEqual([]);
  const elf = readElf(diff.objects[0]?.bytes as Uint8Array);
  if (isProblem(elf)) throw new Error(elf.message);
  return { elf, made };
}

describe('the file names of bug frames', () => {
  it('are those of the hypervisor where Xen looks for them in its own image alone', async () => {
    const { elf, made } = await built('arm64', source('WARN_ON(x > 9)'), source('WARN_ON(x > 8)'));
    const [owner, file] = fieldsOf(elf);
    expect(owner).toMatchObject({ defined: true });
    expect(file).toMatchObject({ defined: false });
    const start = made.image.symbolsFor(made.release).byName(file?.name ?? '');
    // The field is 4 bytes from the start of the frame, which the place is told from.
    const text = made.image.bytes(start + (file?.addend ?? 0n) - 4n, 11);
    expect(new TextDecoder().decode(text)).toBe('common/a.c\0');
  });

  it('are the payload’s where the hypervisor has no such text', async () => {
    const none = source('(void)0');
    const { elf } = await built('arm64', none, source('WARN_ON(x > 8)'));
    expect(fieldsOf(elf).map(({ defined }) => defined)).toContain(true);
    expect(fieldsOf(elf)[1]).toMatchObject({ defined: true });
  });

  it('are the payload’s where Xen looks for them there, too', async () => {
    const { elf } = await built('x86_64', source('WARN_ON(x > 9)'), source('WARN_ON(x > 8)'));
    expect(fieldsOf(elf).every(({ defined }) => defined)).toBe(true);
  });
});
