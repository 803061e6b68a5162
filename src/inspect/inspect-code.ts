import { type Disassembler, type Instruction, instructionText } from '../arch/index.ts';
import { type Finding, finding, hex } from '../base/index.ts';
import type { InspectedInstruction } from '../documents/index.ts';
import { STT_FUNC } from '../elf/index.ts';
import { bytesAt, type PayloadFile as LivepatchFile, type PayloadPointer } from '../payload/index.ts';
import type { XenArch } from '../xen/index.ts';
import { OperandReader } from './inspect-operands.ts';

/** Maximum number of bytes to disassemble per function. */
export const CODE_PER_FUNCTION = 64 * 1024;

/** Maximum number of bytes to disassemble per file, whose entries may all refer to the same code. */
export const CODE_PER_FILE = 256 * 1024;

/** Disassembles the code of one payload, up to the limits; {@link findings} reports where they applied. */
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

  /** Returns the instructions of `size` bytes at a pointer; null if it does not point into the payload. */
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

  /** Returns the instructions of the function at a pointer, to the end of its symbol or, without one, of its section. */
  functionCode(pointer: PayloadPointer): InspectedInstruction[] | null {
    if (pointer.kind !== 'section') return null;
    this.#sizes ??= this.#functionSizes();
    return this.code(pointer, this.#sizes.get(`${pointer.section}:${pointer.offset}`) ?? Number.MAX_SAFE_INTEGER);
  }

  #instruction(
    instruction: Instruction,
    code: Uint8Array,
    at: PayloadPointer & { readonly kind: 'section' },
  ): InspectedInstruction {
    const { offset, size } = instruction;
    const start = at.offset + offset;
    const bytes = code.subarray(offset, offset + size);
    const relocated = this.#operands.operands(at.section, start, instruction, bytes);
    const labels = new Map(
      relocated.flatMap(({ operand, label }) => (operand === undefined ? [] : [[operand, label]])),
    );
    return {
      offset: start,
      bytes: hex(bytes),
      text: instruction.kind === 'bad' ? instructionText(instruction) : instruction.textWith(labels),
      ...(relocated.length === 0 ? {} : { targets: relocated.map(({ place }) => place) }),
    };
  }

  #cutOff(pointer: PayloadPointer & { readonly kind: 'section' }, shown: number): void {
    // Report it once per file: every entry after the limit is cut off.
    if (this.#usedUp) return;
    this.#usedUp = shown < CODE_PER_FUNCTION;
    const limit = this.#usedUp
      ? `disassembled only the first ${CODE_PER_FILE} bytes of code in the file`
      : `disassembled only the first ${CODE_PER_FUNCTION} bytes of the function`;
    const section = this.#payload.elf.sections[pointer.section]?.name ?? '';
    const where = { file: this.#file, section, offset: pointer.offset };
    this.findings.push(finding('disassembly-limit', { message: limit, where }));
  }

  /** Returns `st_size` of the function symbols by `section:offset`; the first non-zero one wins. */
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
