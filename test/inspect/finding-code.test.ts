import { describe, expect, it } from 'vitest';
import { gunzip } from '../../src/cli/gunzip.ts';
import { loadCapstone } from '../../src/disassembler/index.ts';
import type { CodeLine, DocumentFinding } from '../../src/documents/index.ts';
import { BEHIND, type CodeWindow, codeLines } from '../../src/inspect/code-window.ts';
import { checkSlice, openSimulation } from '../../src/run/index.ts';
import { example, image } from '../run/support.ts';

const capstone = await loadCapstone();

const findingOf = async (
  name: string,
  rule: string,
  disassembler: typeof capstone | null,
): Promise<DocumentFinding> => {
  const port = disassembler === null ? {} : { loadDisassembler: () => Promise.resolve(disassembler) };
  const slice = await checkSlice(openSimulation(image(), { gunzip }), [example(name)], port);
  const [checked] = await slice.withCode();
  const found = checked?.findings.find((finding) => finding.rule === rule);
  if (found === undefined) throw new Error(`${name} has no finding of ${rule}`);
  return found;
};

/** Returns the marked bytes of all lines. */
const marked = (code: readonly CodeLine[] = []): string =>
  code.map(({ bytes, marked: of }) => (of === null ? '' : bytes.slice(2 * of.from, 2 * of.to))).join('');

describe('the code of a finding', () => {
  it('is the payload’s code that a relocation changes', async () => {
    const { code } = await findingOf('bad-relocation', 'unhandled-relocation', capstone);
    expect(code?.[0]).toEqual({ offset: 0, bytes: 'b800000000', text: 'movl $0x0, %eax', marked: { from: 1, to: 5 } });
    expect(code?.slice(1).every((line) => line.marked === null)).toBe(true);
  });

  it('is the hypervisor’s code if the finding has an address in it', async () => {
    const { code, message } = await findingOf('expectation-fails', 'expectation', capstone);
    expect(message).toBe('expected deadc0, found 488d05');
    expect(marked(code)).toBe('488d05');
    expect(code?.[0]).toMatchObject({ address: '0xffff82d040200580', marked: { from: 0, to: 3 } });
    expect(code?.map(({ text }) => text?.split(' ')[0])).toEqual(['leaq', 'retq', 'nopl', 'leaq']);
  });

  it('is only bytes without a disassembler', async () => {
    const { code } = await findingOf('expectation-fails', 'expectation', null);
    expect(marked(code)).toBe('488d05');
    expect(code?.every(({ text }) => text === null)).toBe(true);
    expect(code?.map(({ bytes }) => bytes.length)).toEqual([16, 16, 6]);
  });

  it('is absent if the place is not in code', async () => {
    const { code } = await findingOf('wrong-build-id', 'wrong-xen', capstone);
    expect(code).toBe(undefined);
    const slice = await checkSlice(openSimulation(image(), { gunzip }), [example('wrong-build-id')], {});
    expect(await slice.withCode()).toEqual(slice.payloads);
  });
});

/** Ten instructions: nine NOPs, with one of five bytes before the last four. */
const CODE = Uint8Array.from([0x90, 0x90, 0x90, 0x90, 0x90, 0xe9, 0, 0, 0, 0, 0x90, 0x90, 0x90, 0x90]);

const window = (at: number, length?: number): CodeWindow => ({
  bytes: CODE,
  at,
  length,
  place: (offset) => ({ offset }),
  decode: (disassembler) =>
    disassembler.disassemble('x86_64', CODE, 0).map(({ offset, size }) => ({ offset, size, text: '' })),
});

describe('the lines around a place', () => {
  it('are three instructions before it and three after it', () => {
    const lines = codeLines(window(5), capstone);
    expect(lines.map(({ offset }) => offset)).toEqual([2, 3, 4, 5, 10, 11, 12]);
    expect(lines.map((line) => line.marked)).toEqual([null, null, null, { from: 0, to: 5 }, null, null, null]);
  });

  it('mark from a place within an instruction to its end', () => {
    expect(codeLines(window(7), capstone)[3]?.marked).toEqual({ from: 2, to: 5 });
  });

  it('mark bytes across instructions, and part of the last', () => {
    const lines = codeLines(window(3, 5), capstone);
    expect(lines.map(({ offset, marked: of }) => [offset, of])).toEqual([
      [0, null],
      [1, null],
      [2, null],
      [3, { from: 0, to: 1 }],
      [4, { from: 0, to: 1 }],
      [5, { from: 0, to: 3 }],
      [10, null],
      [11, null],
      [12, null],
    ]);
  });

  it('end at the end of the code, and are bounded for any length', () => {
    expect(codeLines(window(13), capstone).map(({ offset }) => offset)).toEqual([10, 11, 12, 13]);
    const long = { ...window(0, 1e9), bytes: new Uint8Array(4096), decode: () => [] };
    expect(codeLines(long, capstone).length).toBeLessThan(BEHIND);
  });
});
