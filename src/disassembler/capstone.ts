import MCapstone, { type CapstoneModule } from '@alexaltea/capstone-js';
import type { DecodedInstruction, Disassembler, Flow, Instruction, Operand } from '../arch/index.ts';
import { assert } from '../base/index.ts';
import type { XenArch } from '../xen/index.ts';
import { A32 } from './a32.ts';
import { A64 } from './a64.ts';
import { DETAIL_ARCH, rawOperands } from './detail.ts';
import type { Dialect, FlowFacts } from './dialect.ts';
import { X86 } from './x86.ts';

/** Xen runs on A32 instructions alone on arm32 (arch.mk: -marm), so there is no Thumb here. */
const DIALECTS: Readonly<Record<XenArch, Dialect>> = { x86_64: X86, arm64: A64, arm32: A32 };

/** CS_OPT_SYNTAX, and CS_OPT_DETAIL with CS_OPT_ON. Source: capstone.h, version 5. */
const OPT_SYNTAX = 1;
const OPT_DETAIL = 2;
const OPT_ON = 3;

/** Where the members of `cs_insn` are, in bytes. Source: capstone.h, version 5 (24 bytes of code since then). */
const INSN = { id: 0, size: 16, mnemonic: 42, operands: 74, detail: 236 } as const;

/** What `cs_disasm_iter` moves on: pointer and size (32 bits each in WebAssembly), then the 64-bit address. */
const CURSOR = { code: 0, left: 4, address: 8, bytes: 16 } as const;

/** No instruction is longer, in bytes. Source: Intel SDM, volume 2A, section 2.3.11. */
const LONGEST = 15;

/** An opened architecture: one `cs_insn` that every instruction is decoded into. */
interface Handle {
  readonly handle: number;
  readonly insn: number;
}

/** What an instruction is made of, but for its text and its flow. */
interface Content {
  readonly operation: number;
  readonly operands: readonly Operand[];
}

/** The text of an instruction. */
interface Words {
  readonly mnemonic: string;
  readonly operands: string;
}

/**
 * Capstone by its C interface. The package's own wrapper is not used: in 5.0.9 its addresses are signed, its `detail`
 * reads structures of an older version, and it stops at the first bad byte without saying so.
 */
class Capstone implements Disassembler {
  readonly #module: CapstoneModule;
  readonly #cursor: number;
  readonly #scratch: number;
  readonly #handles = new Map<string, Handle>();
  readonly #names = new Map<XenArch, (string | null)[]>();

  constructor(module: CapstoneModule) {
    this.#module = module;
    this.#cursor = this.#allocate(CURSOR.bytes);
    this.#scratch = this.#allocate(LONGEST);
  }

  disassemble(arch: XenArch, code: Uint8Array, origin: number): readonly Instruction[] {
    const found: Instruction[] = [];
    this.#walk(arch, code, (offset, size, decoded) => {
      found.push(decoded ? new LazyInstruction(this, arch, code, origin, offset, size) : { kind: 'bad', offset, size });
    });
    return found;
  }

  sizes(arch: XenArch, code: Uint8Array): Uint8Array {
    const sizes = new Uint8Array(code.length);
    this.#walk(arch, code, (offset, size, decoded) => {
      if (decoded) sizes[offset] = size;
    });
    return sizes;
  }

  /** Returns what the instruction of these bytes, which there is, is made of. */
  content(arch: XenArch, bytes: Uint8Array, place: number): Content {
    const module = this.#module;
    const dialect = DIALECTS[arch];
    if (missingAt(dialect, bytes, 0) !== undefined) return NO_CONTENT;
    const handle = this.#again(arch, bytes, place, true);
    const detail = module.getValue(handle.insn + INSN.detail, 'i32') + DETAIL_ARCH;
    const raw = rawOperands(module, dialect.layout, detail, (register) => this.#registerName(arch, handle, register));
    const operands = dialect.operands({ bytes, place, raw, module, detail });
    return { operation: module.getValue(handle.insn + INSN.id, 'i32'), operands };
  }

  /** Returns the text of the instruction of these bytes. */
  words(arch: XenArch, bytes: Uint8Array, place: number): Words {
    const dialect = DIALECTS[arch];
    const missing = missingAt(dialect, bytes, 0);
    if (missing !== undefined) return { mnemonic: missing.mnemonic, operands: '' };
    const { insn } = this.#again(arch, bytes, place, false);
    return {
      mnemonic: this.#module.UTF8ToString(insn + INSN.mnemonic),
      operands: dialect.operandText(this.#module.UTF8ToString(insn + INSN.operands)),
    };
  }

  /** Decodes an instruction that was decoded before. */
  #again(arch: XenArch, bytes: Uint8Array, place: number, detail: boolean): Handle {
    const handle = this.#open(arch, detail);
    this.#module.writeArrayToMemory(bytes, this.#scratch);
    this.#seek(this.#scratch, bytes.length, place);
    assert(this.#next(handle) === bytes.length, 'an instruction is decoded again as it was');
    return handle;
  }

  /** Tells of each instruction in turn, and of bytes that are none. */
  #walk(arch: XenArch, code: Uint8Array, tell: (offset: number, size: number, decoded: boolean) => void): void {
    if (code.length === 0) return;
    const dialect = DIALECTS[arch];
    const handle = this.#open(arch, false);
    const start = this.#allocate(code.length);
    try {
      this.#module.writeArrayToMemory(code, start);
      for (let offset = 0; offset < code.length; ) {
        this.#seek(start + offset, code.length - offset, offset);
        for (let size = this.#next(handle); size > 0; size = this.#next(handle)) {
          tell(offset, size, true);
          offset += size;
        }
        if (offset >= code.length) break;
        const missing = missingAt(dialect, code, offset);
        const size = missing?.bytes.length ?? Math.min(dialect.step, code.length - offset);
        tell(offset, size, missing !== undefined);
        offset += size;
      }
    } finally {
      this.#module._free(start);
    }
  }

  #seek(code: number, left: number, address: number): void {
    this.#module.setValue(this.#cursor + CURSOR.code, code, 'i32');
    this.#module.setValue(this.#cursor + CURSOR.left, left, 'i32');
    this.#module.setValue(this.#cursor + CURSOR.address, BigInt(address), 'i64');
  }

  /** Decodes the instruction at the cursor and gives its size; 0 where there is none. */
  #next({ handle, insn }: Handle): number {
    const cursor = this.#cursor;
    const decoded = this.#module._cs_disasm_iter(
      handle,
      cursor + CURSOR.code,
      cursor + CURSOR.left,
      cursor + CURSOR.address,
      insn,
    );
    return decoded === 0 ? 0 : this.#module.getValue(insn + INSN.size, 'i16');
  }

  #registerName(arch: XenArch, { handle }: Handle, register: number): string | null {
    let names = this.#names.get(arch);
    if (names === undefined) {
      names = [null];
      this.#names.set(arch, names);
    }
    names[register] ??= register === 0 ? null : this.#module.UTF8ToString(this.#module._cs_reg_name(handle, register));
    return names[register];
  }

  /** A handle with detail takes a fifth longer for each instruction. */
  #open(arch: XenArch, detail: boolean): Handle {
    const key = `${arch} ${detail}`;
    const known = this.#handles.get(key);
    if (known !== undefined) return known;
    const { arch: number, mode, syntax } = DIALECTS[arch];
    // cs_open stores the handle where the cursor is, which the next seek overwrites.
    const error = this.#module._cs_open(number, mode, this.#cursor);
    assert(error === 0, `cs_open for ${arch} gives ${error}`);
    const handle = this.#module.getValue(this.#cursor, 'i32');
    const set = (option: number, value: number): void => {
      const refused = this.#module._cs_option(handle, option, value);
      assert(refused === 0, `cs_option for ${arch} gives ${refused}`);
    };
    if (syntax !== undefined) set(OPT_SYNTAX, syntax);
    if (detail) set(OPT_DETAIL, OPT_ON);
    const insn = this.#module._cs_malloc(handle);
    assert(insn !== 0, 'no memory for an instruction');
    const opened = { handle, insn };
    this.#handles.set(key, opened);
    return opened;
  }

  #allocate(size: number): number {
    const pointer = this.#module._malloc(size);
    assert(pointer !== 0, `no memory for ${size} bytes of code`);
    return pointer;
  }
}

/** The instruction at a byte of `code` that Capstone does not know. */
const missingAt = ({ missing }: Dialect, code: Uint8Array, offset: number): Dialect['missing'][number] | undefined =>
  missing.find(({ bytes }) => bytes.every((byte, i) => code[offset + i] === byte));

const NO_CONTENT: Content = { operation: 0, operands: [] };

/** An instruction whose parts are decoded when one of them is asked for. */
class LazyInstruction implements DecodedInstruction {
  readonly kind = 'instruction';
  readonly offset: number;
  readonly size: number;
  readonly #capstone: Capstone;
  readonly #arch: XenArch;
  readonly #code: Uint8Array;
  readonly #origin: number;
  #content: Content | undefined;

  constructor(capstone: Capstone, arch: XenArch, code: Uint8Array, origin: number, offset: number, size: number) {
    this.#capstone = capstone;
    this.#arch = arch;
    this.#code = code;
    this.#origin = origin;
    this.offset = offset;
    this.size = size;
  }

  get #bytes(): Uint8Array {
    return this.#code.subarray(this.offset, this.offset + this.size);
  }

  get #flow(): FlowFacts {
    return DIALECTS[this.#arch].flow(this.#bytes);
  }

  get #parts(): Content {
    this.#content ??= this.#capstone.content(this.#arch, this.#bytes, this.#origin + this.offset);
    return this.#content;
  }

  get #words(): Words {
    return this.#capstone.words(this.#arch, this.#bytes, this.#origin + this.offset);
  }

  get operation(): number {
    return this.#parts.operation;
  }

  get flow(): Flow {
    return this.#flow.flow;
  }

  get conditional(): boolean {
    return this.#flow.conditional;
  }

  get operands(): readonly Operand[] {
    return this.#parts.operands;
  }

  get text(): string {
    const { mnemonic, operands } = this.#words;
    return operands === '' ? mnemonic : `${mnemonic} ${operands}`;
  }

  textWith(labels: ReadonlyMap<Operand, string>): string {
    if (labels.size === 0) return this.text;
    const { mnemonic, operands } = this.#words;
    const { label } = DIALECTS[this.#arch];
    const texts = split(operands).map((text, i) => {
      const operand = this.operands[i];
      const name = operand && labels.get(operand);
      return operand === undefined || name === undefined ? text : label(text, operand, name);
    });
    return `${mnemonic} ${texts.join(', ')}`;
  }
}

/** Splits operands at the commas that are outside of all brackets. */
function split(text: string): string[] {
  const texts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at <= text.length; at++) {
    const char = text[at];
    if (char === '(' || char === '[' || char === '{') depth++;
    else if (char === ')' || char === ']' || char === '}') depth--;
    else if (char === undefined ? from < at : char === ',' && depth === 0) {
      texts.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  return texts;
}

export interface CapstoneOptions {
  /** The bytes of the package's `dist/capstone.wasm`. In a browser they have to be given; Node finds them itself. */
  readonly wasm?: Uint8Array;
}

/** Compiles Capstone, some 60 ms of work and 22 MB of memory, for as long as the disassembler is held. */
export async function loadCapstone({ wasm }: CapstoneOptions = {}): Promise<Disassembler> {
  // What goes wrong is thrown: it need not be printed too.
  const printErr = (): void => {};
  return new Capstone(await MCapstone(wasm === undefined ? { printErr } : { printErr, wasmBinary: wasm }));
}
