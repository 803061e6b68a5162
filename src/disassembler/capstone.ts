import MCapstone, { type CapstoneModule } from '@alexaltea/capstone-js';
import type { Disassembler, Instruction } from '../arch/index.ts';
import { assert } from '../base/index.ts';
import type { XenArch } from '../xen/index.ts';
import { DIALECTS } from './dialects.ts';

/** CS_OPT_SYNTAX. Source: capstone.h, version 5. */
const OPT_SYNTAX = 1;

/** Where the members of `cs_insn` are, in bytes. Source: capstone.h, version 5 (24 bytes of code since then). */
const INSN = { size: 16, mnemonic: 42, operands: 74 } as const;

/** What `cs_disasm_iter` moves on: pointer and size (32 bits each in WebAssembly), then the 64-bit address. */
const CURSOR = { code: 0, left: 4, address: 8, bytes: 16 } as const;

/** An opened architecture. */
interface Handle {
  readonly handle: number;
  /** The one `cs_insn` that every instruction is decoded into. */
  readonly insn: number;
}

/**
 * Capstone by its C interface. The package's own wrapper is not used: in 5.0.9 its addresses are signed, its `detail`
 * reads structures of an older version, and it stops at the first bad byte without saying so.
 */
class Capstone implements Disassembler {
  readonly #module: CapstoneModule;
  readonly #cursor: number;
  readonly #handles = new Map<XenArch, Handle>();

  constructor(module: CapstoneModule) {
    this.#module = module;
    this.#cursor = this.#allocate(CURSOR.bytes);
  }

  disassemble(arch: XenArch, code: Uint8Array, origin: number): readonly Instruction[] {
    const { operands } = DIALECTS[arch];
    const found: Instruction[] = [];
    this.#decode(arch, code, origin, (offset, size, handle) => {
      found.push({ offset, size, text: handle === null ? undefined : this.#text(handle, operands) });
    });
    return found;
  }

  sizes(arch: XenArch, code: Uint8Array): Uint8Array {
    const sizes = new Uint8Array(code.length);
    this.#decode(arch, code, 0, (offset, size, handle) => {
      if (handle !== null) sizes[offset] = size;
    });
    return sizes;
  }

  /** Tells of each instruction in turn; without a handle, of bytes that are none. */
  #decode(
    arch: XenArch,
    code: Uint8Array,
    origin: number,
    tell: (offset: number, size: number, handle: Handle | null) => void,
  ): void {
    if (code.length === 0) return;
    const { step } = DIALECTS[arch];
    const handle = this.#open(arch);
    const start = this.#allocate(code.length);
    try {
      this.#module.writeArrayToMemory(code, start);
      for (let offset = 0; offset < code.length; ) {
        this.#seek(start + offset, code.length - offset, origin + offset);
        for (let size = this.#next(handle); size > 0; size = this.#next(handle)) {
          tell(offset, size, handle);
          offset += size;
        }
        if (offset >= code.length) break;
        const size = Math.min(step, code.length - offset);
        tell(offset, size, null);
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

  #text({ insn }: Handle, form: (operands: string) => string): string {
    const mnemonic = this.#module.UTF8ToString(insn + INSN.mnemonic);
    const operands = this.#module.UTF8ToString(insn + INSN.operands);
    return operands === '' ? mnemonic : `${mnemonic} ${form(operands)}`;
  }

  #open(arch: XenArch): Handle {
    const known = this.#handles.get(arch);
    if (known !== undefined) return known;
    const { arch: number, mode, syntax } = DIALECTS[arch];
    // cs_open stores the handle where the cursor is, which the next seek overwrites.
    const error = this.#module._cs_open(number, mode, this.#cursor);
    assert(error === 0, `cs_open for ${arch} gives ${error}`);
    const handle = this.#module.getValue(this.#cursor, 'i32');
    if (syntax !== undefined) {
      const refused = this.#module._cs_option(handle, OPT_SYNTAX, syntax);
      assert(refused === 0, `cs_option for ${arch} gives ${refused}`);
    }
    const insn = this.#module._cs_malloc(handle);
    assert(insn !== 0, 'no memory for an instruction');
    const opened = { handle, insn };
    this.#handles.set(arch, opened);
    return opened;
  }

  #allocate(size: number): number {
    const pointer = this.#module._malloc(size);
    assert(pointer !== 0, `no memory for ${size} bytes of code`);
    return pointer;
  }
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
