import { XspliceError } from '../base/index.ts';
import { type Koffi, loadKoffi } from '../native/index.ts';

/** A `uc_engine *`. */
export type Engine = unknown;

/** UC_HOOK_*. Source: unicorn/unicorn.h of 2.0.1, like all numbers here. */
const HOOK_INTR = 1 << 0;
const HOOK_CODE = 1 << 2;
/** All of READ, WRITE and FETCH, unmapped and protected. */
const HOOK_MEM_INVALID = 0x3f0;

/** uc_ctl's encoding of a write: UC_CTL_WRITE(type, number of arguments). */
const ctlWrite = (type: number, args: number): number => (type | (args << 26) | (1 << 30)) >>> 0;
const CTL_CPU_MODEL = ctlWrite(7, 1);
const CTL_TB_REMOVE_CACHE = ctlWrite(9, 2);

/** UC_PROT_*. */
export const UC_PROT = { read: 1, write: 2, exec: 4 } as const;

/** UC_ERR_* that running code can cause. */
export const UC_ERR = {
  OK: 0,
  READ_UNMAPPED: 6,
  WRITE_UNMAPPED: 7,
  FETCH_UNMAPPED: 8,
  INSN_INVALID: 10,
  WRITE_PROT: 12,
  READ_PROT: 13,
  FETCH_PROT: 14,
  EXCEPTION: 21,
} as const;

/** Callbacks of a run. koffi 3.2.0 to 3.3.4 may pass addresses as signed; they are made unsigned before. */
export interface Hooks {
  code(address: bigint, size: number): void;
  interrupt(vector: number): void;
  /** `type` is one of UC_MEM_*. */
  badAccess(type: number, address: bigint, size: number): void;
}

/** Calls of libunicorn. Throws on errors that the running code cannot cause. */
export interface Unicorn {
  open(arch: number, mode: number, cpuModel: number | undefined): Engine;
  close(engine: Engine): void;
  /** Maps bytes in place. They must stay alive and unmoved until unmapped. */
  mapPointer(engine: Engine, address: bigint, bytes: Uint8Array, permission: number): void;
  unmap(engine: Engine, address: bigint, length: number): void;
  protect(engine: Engine, address: bigint, length: number, permission: number): void;
  /** Drops the translation of this range. Otherwise the engine keeps running the old code after a change. */
  forget(engine: Engine, start: bigint, end: bigint): void;
  readRegister(engine: Engine, register: number): bigint;
  writeRegister(engine: Engine, register: number, value: bigint): void;
  /** Installs the engine's hooks: for these addresses, or for every instruction. */
  hook(engine: Engine, addresses: readonly bigint[] | 'all'): void;
  /** Runs code and returns UC_ERR_*: how it ended. Calls `hooks` meanwhile. */
  run(engine: Engine, hooks: Hooks, from: bigint, until: bigint, count: number): number;
  /** Ends the run from inside a hook. */
  stop(engine: Engine): void;
}

const HINT =
  'On Debian and Ubuntu: sudo apt-get install libunicorn2. Without it, xsplice cannot run hooks or call functions.';

/** File names of the library for the dynamic loader. */
const NAMES = ['libunicorn.so.2', 'libunicorn.2.dylib'];

/** Loads the first library that is present. Throws an XspliceError (ETOOL) that says what to install. */
export function loadLibrary(koffi: Pick<Koffi, 'load'>): ReturnType<Koffi['load']> {
  const reasons: string[] = [];
  for (const name of NAMES) {
    try {
      return koffi.load(name);
    } catch (error) {
      reasons.push((error as Error).message.split('\n', 1)[0] ?? '');
    }
  }
  throw new XspliceError('ETOOL', `cannot load libunicorn 2: ${reasons[0]}`, HINT);
}

/** koffi returns small numbers as `number`, large ones as `bigint`, and some versions make them negative. */
const u64 = (value: number | bigint): bigint => BigInt.asUintN(64, BigInt(value));

let loaded: Promise<Unicorn> | undefined;

/** Loads libunicorn 2 through koffi, once. Rejects with an XspliceError (ETOOL) that says what to install if one of them is missing. */
export function loadUnicorn(): Promise<Unicorn> {
  loaded ??= loadKoffi().then(bind);
  // Try again next time: it may be installed by then.
  loaded.catch(() => {
    loaded = undefined;
  });
  return loaded;
}

function bind(koffi: Koffi): Unicorn {
  const library = loadLibrary(koffi);
  const PTR = 'void *';
  const U64 = 'uint64_t';
  const func = (name: string, args: readonly string[]) => library.func(name, 'int', [...args]);
  const open = library.func('int uc_open(int arch, int mode, _Out_ void **engine)');
  const close = func('uc_close', [PTR]);
  const mapPtr = func('uc_mem_map_ptr', [PTR, U64, 'size_t', 'uint32_t', PTR]);
  const unmap = func('uc_mem_unmap', [PTR, U64, 'size_t']);
  const protect = func('uc_mem_protect', [PTR, U64, 'size_t', 'uint32_t']);
  const start = func('uc_emu_start', [PTR, U64, U64, U64, 'size_t']);
  const stop = func('uc_emu_stop', [PTR]);
  const regRead = func('uc_reg_read', [PTR, 'int', PTR]);
  const regWrite = func('uc_reg_write', [PTR, 'int', PTR]);
  const ctl = library.func('int uc_ctl(void *engine, uint32_t control, ...)');
  const hookAdd = library.func(
    'int uc_hook_add(void *engine, _Out_ size_t *hook, int type, void *callback, void *data, uint64_t begin, uint64_t end, ...)',
  );
  const strerror = library.func('const char *uc_strerror(int code)');
  /** Checks a call that fails only because of our bug or lack of memory. */
  const must = (what: string, code: number): void => {
    if (code !== UC_ERR.OK) throw new XspliceError('ETOOL', `libunicorn: ${what}: ${strerror(code)}`);
  };

  // Runs never nest, so one set of callbacks serves all engines; koffi has room for 8192.
  let hooks: Hooks | undefined;
  let thrown: unknown;
  let running: Engine | undefined;
  /** An exception in a callback would not stop the run, so keep it, and throw it after the run. */
  const guarded = (body: (hooks: Hooks) => void): void => {
    try {
      if (hooks !== undefined && thrown === undefined) body(hooks);
    } catch (error) {
      thrown = error;
      stop(running);
    }
  };
  const pointer = (result: string, ...args: string[]) => koffi.pointer(koffi.proto(result, args));
  const onCode = koffi.register(
    (_: Engine, address: number | bigint, size: number) => {
      guarded((to) => to.code(u64(address), size));
    },
    pointer('void', PTR, U64, 'uint32_t', PTR),
  );
  const onInterrupt = koffi.register(
    (_: Engine, vector: number) => {
      guarded((to) => to.interrupt(vector));
    },
    pointer('void', PTR, 'uint32_t', PTR),
  );
  const onBadAccess = koffi.register(
    (_: Engine, type: number, address: number | bigint, size: number) => {
      guarded((to) => to.badAccess(type, u64(address), size));
      return false;
    },
    pointer('bool', PTR, 'int', U64, 'int', 'int64_t', PTR),
  );

  const register = new BigUint64Array(1);
  const addHook = (engine: Engine, type: number, callback: unknown, begin: bigint, end: bigint): void =>
    must('uc_hook_add', hookAdd(engine, [0], type, callback, null, begin, end));

  return {
    open(arch, mode, cpuModel) {
      const out: [Engine] = [null];
      must('uc_open', open(arch, mode, out));
      const engine = out[0];
      if (cpuModel !== undefined) must('uc_ctl', ctl(engine, CTL_CPU_MODEL, 'int', cpuModel));
      return engine;
    },
    close: (engine) => must('uc_close', close(engine)),
    mapPointer: (engine, address, bytes, permission) =>
      must('uc_mem_map_ptr', mapPtr(engine, address, bytes.length, permission, bytes)),
    unmap: (engine, address, length) => must('uc_mem_unmap', unmap(engine, address, length)),
    protect: (engine, address, length, permission) =>
      must('uc_mem_protect', protect(engine, address, length, permission)),
    forget: (engine, from, end) => must('uc_ctl', ctl(engine, CTL_TB_REMOVE_CACHE, U64, from, U64, end)),
    readRegister(engine, number) {
      // Narrow registers do not write the upper half.
      register[0] = 0n;
      must('uc_reg_read', regRead(engine, number, register));
      return register[0] as bigint;
    },
    writeRegister(engine, number, value) {
      register[0] = value;
      must('uc_reg_write', regWrite(engine, number, register));
    },
    hook(engine, addresses) {
      addHook(engine, HOOK_INTR, onInterrupt, 1n, 0n);
      addHook(engine, HOOK_MEM_INVALID, onBadAccess, 1n, 0n);
      // A begin above the end means all addresses.
      if (addresses === 'all') addHook(engine, HOOK_CODE, onCode, 1n, 0n);
      else for (const address of addresses) addHook(engine, HOOK_CODE, onCode, address, address);
    },
    run(engine, told, from, until, count) {
      [hooks, thrown, running] = [told, undefined, engine];
      // No timeout: it would start a thread per run. The caller bounds the count instead.
      const code: number = start(engine, from, until, 0, count);
      [hooks, running] = [undefined, undefined];
      if (thrown !== undefined) throw thrown;
      return code;
    },
    stop: (engine) => must('uc_emu_stop', stop(engine)),
  };
}
