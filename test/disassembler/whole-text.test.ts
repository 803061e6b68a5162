import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { architectureOf, type FieldPart, filledOperand, type Instruction } from '../../src/arch/index.ts';
import { loadCapstone } from '../../src/disassembler/index.ts';
import { type ElfFile, readElf } from '../../src/elf/index.ts';
import type { XenArch } from '../../src/xen/index.ts';
import { debianXen } from '../support/debian-xen.ts';
import { xenFromSource } from '../support/source-xen.ts';
import { dumpedLines } from './objdump-lines.ts';
import { PAIRS, rawField } from './printed-values.ts';

const capstone = await loadCapstone();

/** Counts differences by what they are. */
class Differences {
  readonly #found = new Map<string, number>();

  note(what: string): void {
    this.#found.set(what, (this.#found.get(what) ?? 0) + 1);
  }

  get all(): string[] {
    return [...this.#found].map(([what, count]) => `${count} × ${what}`);
  }
}

interface Subject {
  readonly file: () => string | Promise<string>;
  /** Least instructions that its text has. */
  readonly least: number;
  readonly known: readonly string[];
}

const SUBJECTS: readonly (readonly [XenArch, Subject])[] = [
  [
    'x86_64',
    {
      file: () => debianXen().xenSyms,
      least: 370_000,
      // Capstone 5 does not know ENQCMDS, of five bytes: what it makes of the last of them hides the jump behind.
      known: ['1 × enqcmds: our size is none', '1 × jne: our size is elsewhere'],
    },
  ],
  [
    'arm64',
    {
      file: async () => (await xenFromSource('arm64')).xenSyms,
      least: 120_000,
      // Capstone 5 has the hint by its number.
      known: ['1 × clearbhb: a value is not printed'],
    },
  ],
  [
    'arm32',
    {
      file: async () => (await xenFromSource('arm32')).xenSyms,
      least: 120_000,
      // `push {lr}` is `str lr, [sp, #-4]!`.
      known: ['95 × push: a value is not printed'],
    },
  ],
];

interface Text {
  readonly code: Uint8Array;
  readonly start: bigint;
  /** By where they are in the section. */
  readonly instructions: ReadonlyMap<number, Instruction>;
}

const texts = new Map<string, Text>();

function textOf(arch: XenArch, path: string): Text {
  const known = texts.get(path);
  if (known !== undefined) return known;
  const section = (readElf(new Uint8Array(readFileSync(path))) as ElfFile).section('.text');
  const code = section?.data() ?? new Uint8Array(0);
  const instructions = capstone.disassemble(arch, code, 0);
  const byOffset = new Map(instructions.map((each) => [each.offset, each]));
  const text = { code, start: section?.addr ?? 0n, instructions: byOffset };
  texts.set(path, text);
  return text;
}

describe('every instruction of the text of Xen, against objdump', () => {
  it.each(SUBJECTS)(
    '%s: sizes, branch targets, and the values where fields are',
    { timeout: 120_000 },
    async (arch, subject) => {
      const path = await subject.file();
      const { code, start, instructions } = textOf(arch, path);
      const differences = new Differences();
      let compared = 0;
      for await (const line of dumpedLines(arch, ['-j', '.text', path])) {
        // Data between the instructions, as symbols mark it on Arm.
        if (line.text.startsWith('.')) continue;
        const at = Number(line.address - start);
        const mine = instructions.get(at);
        const [mnemonic = ''] = line.text.split(' ');
        if (mine === undefined || mine.kind === 'bad' || mine.size !== line.size) {
          const size = mine === undefined ? 'elsewhere' : mine.kind === 'bad' ? 'none' : mine.size;
          differences.note(`${mnemonic}: our size is ${size}`);
          continue;
        }
        compared++;
        for (const [printed, encoded] of PAIRS[arch](line, mine, code.subarray(at, at + line.size))) {
          if (printed === encoded) continue;
          if (printed === null) differences.note(`${mnemonic}: a value is not printed`);
          else if (encoded === null) differences.note(`${mnemonic}: a value is not ours`);
          else differences.note(`${mnemonic}: another value, as in ${line.text}, which is ${mine.text}`);
        }
        for (const operand of mine.operands) {
          const place = operand.kind === 'memory' ? operand.relative?.place : undefined;
          if (place === undefined || line.place === null) continue;
          if (BigInt.asUintN(64, start + BigInt(place)) !== line.place) differences.note(`${mnemonic}: another place`);
        }
        for (const operand of mine.operands) {
          if (operand.kind !== 'target') continue;
          const target = BigInt(`0x${/[0-9a-f]+$/.exec(line.text)?.[0]}`);
          if (BigInt.asUintN(64, start + BigInt(operand.place)) !== target)
            differences.note(`${mnemonic}: another target`);
        }
      }
      expect(differences.all).toEqual(subject.known);
      expect(compared).toBeGreaterThan(subject.least);
    },
  );

  it.each(SUBJECTS)(
    '%s: a bit of a field changes one number, and nothing else',
    { timeout: 120_000 },
    async (arch, subject) => {
      const { code, instructions } = textOf(arch, await subject.file());
      const { relocations } = architectureOf(arch) ?? expect.fail();
      const rows = [...relocations.values()].filter(({ width }) => width > 0);
      const [plain, changed]: [Uint8Array[], Uint8Array[]] = [[], []];
      let seen = 0;
      for (const instruction of instructions.values()) {
        const { offset, size } = instruction;
        const bytes = code.slice(offset, offset + size);
        if (seen++ % EVERY !== 0) continue;
        const at = Array.from({ length: size }, (_, byte) => byte);
        const filled = at.flatMap((byte) => rows.flatMap((row) => filledOperand(instruction, byte, row) ?? []))[0];
        if (filled === undefined) continue;
        const [part] = filled.field as [FieldPart];
        const bit = part.at + (seen % part.bits);
        const flipped = bytes.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
        // Arm has other mnemonics for 0, and leaves it out.
        if (arch !== 'x86_64' && [bytes, flipped].some((each) => rawField(each, filled.field) === 0n)) continue;
        plain.push(bytes);
        changed.push(flipped);
      }
      const texts = await textsOf(arch, changed);
      const wrong = (await textsOf(arch, plain)).flatMap((was, i) => {
        const is = texts[i] ?? '';
        const [old, now] = [was.match(NUMBER) ?? [], is.match(NUMBER) ?? []];
        const others = old.filter((number, k) => number !== now[k]).length;
        return was.replace(NUMBER, 'N') === is.replace(NUMBER, 'N') && others === 1 ? [] : [`${was} → ${is}`];
      });
      expect(wrong).toEqual([]);
      expect(texts.length).toBeGreaterThan(500);
    },
  );

  it('x86_64: the widths of memory operands', { timeout: 120_000 }, async () => {
    const path = debianXen().xenSyms;
    const { start, instructions } = textOf('x86_64', path);
    const differences = new Differences();
    let compared = 0;
    for await (const { address, text } of dumpedLines('x86_64', ['-M', 'intel', '-j', '.text', path])) {
      const printed = WIDTHS[/\b([A-Z]+) PTR/.exec(text)?.[1] ?? ''];
      const mine = instructions.get(Number(address - start));
      if (printed === undefined || mine === undefined || mine.kind === 'bad') continue;
      for (const operand of mine.operands) {
        if (operand.kind !== 'memory' || operand.access === 'none') continue;
        compared++;
        if (operand.width !== printed) differences.note(`${mine.text.split(' ')[0]}: ${operand.width}, not ${printed}`);
      }
    }
    expect(differences.all).toEqual([]);
    expect(compared).toBeGreaterThan(50_000);
  });
});

/** Of so many instructions, one is looked at: where it has a field that relocations fill. */
const EVERY = 31;

/** A number of an operand, as objdump has it: not that of a register. */
const NUMBER = /(?<![a-z\d])-?(?:0x[0-9a-f]+|\d+)\b/g;

/** Bytes from one instruction to the next: what is behind one of x86 is NOPs. */
const SLOT = { x86_64: 16, arm64: 4, arm32: 4 } as const;
const MACHINE = { x86_64: 'i386:x86-64', arm64: 'aarch64', arm32: 'arm' } as const;

/** What objdump has for each instruction alone. */
async function textsOf(arch: XenArch, codes: readonly Uint8Array[]): Promise<string[]> {
  const slot = SLOT[arch];
  const whole = new Uint8Array(codes.length * slot).fill(0x90);
  for (const [i, code] of codes.entries()) whole.set(code, i * slot);
  const folder = await mkdtemp(join(tmpdir(), 'xsplice-test-'));
  try {
    const file = join(folder, 'code');
    await writeFile(file, whole);
    const texts: string[] = [];
    for await (const { address, text } of dumpedLines(arch, ['-D', '-b', 'binary', '-m', MACHINE[arch], file])) {
      if (Number(address) % slot === 0) texts.push(text);
    }
    return texts;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Bytes by the words of Intel's syntax. */
const WIDTHS: Readonly<Record<string, number>> = {
  BYTE: 1,
  WORD: 2,
  DWORD: 4,
  QWORD: 8,
  FWORD: 6,
  TBYTE: 10,
  XMMWORD: 16,
  YMMWORD: 32,
  ZMMWORD: 64,
};
