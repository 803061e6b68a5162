/** The part of the package that is used. It has no types of its own. */
declare module '@alexaltea/capstone-js' {
  /** An instance of the library with a heap of its own. Pointers are numbers: bytes from the start of that heap. */
  export interface CapstoneModule {
    /** The heap's allocator; 0 where it has no room. */
    _malloc(size: number): number;
    _free(pointer: number): void;
    /** `cs_open`; 0 is CS_ERR_OK. The handle is stored at `handle`. */
    _cs_open(arch: number, mode: number, handle: number): number;
    _cs_option(handle: number, option: number, value: number): number;
    /** One `cs_insn`, with detail where the handle has that on. */
    _cs_malloc(handle: number): number;
    /** `cs_disasm_iter`: decodes one instruction and moves code, size and address on; 0 where there is none. */
    _cs_disasm_iter(handle: number, code: number, size: number, address: number, insn: number): number;
    /** The name of a register as text in the heap; 0 for 0. */
    _cs_reg_name(handle: number, register: number): number;
    getValue(pointer: number, type: 'i8' | 'i16' | 'i32'): number;
    getValue(pointer: number, type: 'i64'): bigint;
    setValue(pointer: number, value: number, type: 'i32'): void;
    setValue(pointer: number, value: bigint, type: 'i64'): void;
    writeArrayToMemory(bytes: Uint8Array, pointer: number): void;
    UTF8ToString(pointer: number): string;
  }

  /** Compiles the library. In Node it finds its WebAssembly file itself. */
  export default function MCapstone(options: {
    printErr: (text: string) => void;
    wasmBinary?: Uint8Array;
  }): Promise<CapstoneModule>;
}
