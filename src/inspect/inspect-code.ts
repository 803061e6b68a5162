import type { Disassembler, Instruction } from '../arch/index.ts';
import { type Finding, hex } from '../base/index.ts';
import type { InspectedInstruction } from '../documents/index.ts';
import { STT_FUNC } from '../elf/index.ts';
import { bytesAt, type PayloadFile as LivepatchFile, type PayloadPointer } from '../payload/index.ts';
import type { XenArch } from '../xen/index.ts';
import { labelOperands, markOperands, OperandReader, type RelocatedOperand } from './inspect-operands.ts';

/** Most bytes of one function that are disassembled. */
export const CODE_PER_FUNCTION = 64 * 1024;

/** Most bytes of one file that are disassembled: its entries may all name the same code. */
export const CODE_PER_FILE = 256 * 1024;

/** What stands for bytes that are no instruction, as objdump has it. */
const BAD = '(bad)';

/** Disassembles the code of one payload, up to the limits; {@link findings} tells where these have cut something off. */
export class CodeReader {
  readonly findings: Finding[] = [];
  readonly #payload: LivepatchFile;
  readonly #disassembler: Disassembler;
  readonly #arch: XenArch;
  readonly #file: string;
  readonly #operands: OperandReader;
  #left = CODE_PER_FILE;
  #usedUp = false;
  #sizes: Map<string, number> | undefined;

  constructor(payload: LivepatchFile, arch: XenArch, file: string, disassembler: Disassembler) {
    this.#payload = payload;
    this.#disassembler = disassembler;
    this.#arch = arch;
    this.#file = file;
    this.#operands = new OperandReader(payload, arch);
  }

  /** The instructions of the `size` bytes that a pointer leads to; null where it leads out of the payload. */
  code(pointer: PayloadPointer, size: number): InspectedInstruction[] | null {
    if (pointer.kind !== 'section') return null;
    const whole = bytesAt(this.#payload.elf, pointer, size);
    const bytes = whole.subarray(0, Math.min(CODE_PER_FUNCTION, this.#left));
    if (bytes.length < whole.length) this.#cutOff(pointer, bytes.length);
    this.#left -= bytes.length;
    return this.#disassembler
      .disassemble(this.#arch, bytes, pointer.offset)
      .map((instruction) => this.#instruction(instruction, bytes, pointer));
  }

  /** The instructions of the function that a pointer leads to: as many as its symbol has, or up to the section's end. */
  functionCode(pointer: PayloadPointer): InspectedInstruction[] | null {
    if (pointer.kind !== 'section') return null;
    this.#sizes ??= this.#functionSizes();
    return this.code(pointer, this.#sizes.get(`${pointer.section}:${pointer.offset}`) ?? Number.MAX_SAFE_INTEGER);
  }

  #instruction(
    { offset, size, text }: Instruction,
    code: Uint8Array,
    at: PayloadPointer & { readonly kind: 'section' },
  ): InspectedInstruction {
    const start = at.offset + offset;
    const bytes = code.subarray(offset, offset + size);
    const operands = this.#operands.operands(at.section, start, start + size);
    return {
      offset: start,
      bytes: hex(bytes),
      text: (text !== undefined && this.#labelled(bytes, start, text, operands)) || (text ?? BAD),
      ...(operands.length === 0 ? {} : { targets: operands.map(({ place }) => place) }),
    };
  }

  /** The instruction with names for its relocated operands, or `undefined` where these do not show in its text. */
  #labelled(bytes: Uint8Array, start: number, text: string, operands: readonly RelocatedOperand[]): string | undefined {
    if (operands.every(({ width }) => width === 0)) return undefined;
    const [marked, ...more] = this.#disassembler.disassemble(this.#arch, markOperands(bytes, start, operands), start);
    const mnemonic = /^\S+/;
    // A relocation of the opcode, which no compiler makes, would have made another instruction of it.
    if (marked?.text === undefined || more.length > 0 || mnemonic.exec(marked.text)?.[0] !== mnemonic.exec(text)?.[0]) {
      return undefined;
    }
    return labelOperands(marked.text, start + bytes.length, operands);
  }

  #cutOff(pointer: PayloadPointer & { readonly kind: 'section' }, shown: number): void {
    // Once for the file: when its share is used up, every entry that follows is cut off.
    if (this.#usedUp) return;
    this.#usedUp = shown < CODE_PER_FUNCTION;
    const limit = this.#usedUp
      ? `only the first ${CODE_PER_FILE} bytes of code in a file are disassembled: the rest is left out`
      : `only the first ${CODE_PER_FUNCTION} bytes of the function are disassembled`;
    const section = this.#payload.elf.sections[pointer.section]?.name ?? '';
    const where = { file: this.#file, section, offset: pointer.offset };
    this.findings.push({ rule: 'disassembly-limit', severity: 'note', message: limit, where });
  }

  /** `st_size` of every function symbol by `section:offset`; the first that has one. */
  #functionSizes(): Map<string, number> {
    const { symbols } = this.#payload.elf;
    const sizes = new Map<string, number>();
    for (let i = 1; i < symbols.count; i++) {
      const section = symbols.sectionIndex(i);
      if (section === undefined || symbols.type(i) !== STT_FUNC || symbols.size(i) === 0) continue;
      const key = `${section}:${symbols.value(i)}`;
      if (!sizes.has(key)) sizes.set(key, symbols.size(i));
    }
    return sizes;
  }
}
