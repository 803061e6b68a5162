import type { CodeMemory, FunctionState } from '../arch/index.ts';
import { type Address, addOffset, assert } from '../base/index.ts';
import { LIVEPATCH_FUNC_APPLIED, LIVEPATCH_FUNC_NOT_APPLIED, LIVEPATCH_OPAQUE_SIZE } from '../xen/index.ts';

/**
 * The hypervisor's state of every function of a payload: where the patch starts, whether it is applied, and the instructions that it
 * overwrote. Allocated once the payload has been placed, freed with it.
 */
export interface FunctionStates {
  readonly length: number;
  at(index: number): FunctionState;
}

/**
 * `struct livepatch_fstate`: state in the hypervisor's own memory. The payload's `.livepatch.funcs` is never written after load.
 * Source: 82182ad7b4 (4.17.3, 4.18.1, 4.19.0). Allocated zeroed, so nothing is applied at first.
 */
export class PrivateFunctionStates implements FunctionStates {
  readonly length: number;
  /** Filled on demand: a file may claim far more functions than are ever accessed. */
  readonly #states: PrivateFunctionState[] = [];

  constructor(count: number) {
    this.length = count;
  }

  at(index: number): FunctionState {
    assert(index >= 0 && index < this.length, 'function index in range');
    this.#states[index] ??= new PrivateFunctionState();
    return this.#states[index];
  }
}

class PrivateFunctionState implements FunctionState {
  patchOffset = 0;
  applied = LIVEPATCH_FUNC_NOT_APPLIED;
  #insns: Uint8Array = NO_INSNS;

  saveInsns(bytes: Uint8Array): void {
    const insns = this.#insns.slice();
    insns.set(bytes.subarray(0, LIVEPATCH_OPAQUE_SIZE));
    this.#insns = insns;
  }

  savedInsns(length: number): Uint8Array {
    return this.#insns.subarray(0, length);
  }
}

/** The zeroed buffer of a function that was never applied; never written. */
const NO_INSNS = new Uint8Array(LIVEPATCH_OPAQUE_SIZE);

/** Offsets of the state in `struct livepatch_func`, in releases that keep it there. */
export interface StateOffsets {
  readonly opaque: number;
  /** Absent in the first version of the structure, where the payload's own state applies to all functions. */
  readonly applied: number | undefined;
  /** Absent before 6974c75180 (4.14.5, 4.15.3, 4.16.1, 4.17.0): the jump is always at the function's start. */
  readonly patchOffset: number | undefined;
}

/**
 * The state as releases before 82182ad7b4 keep it: inside the payload's `.livepatch.funcs`. Every access to a member is a memory access and
 * faults if those pages do not allow it.
 */
export class InPayloadFunctionStates implements FunctionStates {
  readonly length: number;
  readonly #memory: CodeMemory;
  readonly #start: Address;
  readonly #stride: number;
  readonly #offsets: StateOffsets;
  /** Applied functions, for the structure without the flag. */
  readonly #applied = new Set<number>();

  constructor(count: number, memory: CodeMemory, start: Address, stride: number, offsets: StateOffsets) {
    this.length = count;
    this.#memory = memory;
    this.#start = start;
    this.#stride = stride;
    this.#offsets = offsets;
  }

  at(index: number): FunctionState {
    const func = addOffset(this.#start, index * this.#stride);
    return new InPayloadFunctionState(this.#memory, func, this.#offsets, this.#applied, index);
  }
}

class InPayloadFunctionState implements FunctionState {
  readonly #memory: CodeMemory;
  readonly #func: Address;
  readonly #offsets: StateOffsets;
  readonly #flags: Set<number>;
  readonly #index: number;

  constructor(memory: CodeMemory, func: Address, offsets: StateOffsets, flags: Set<number>, index: number) {
    this.#memory = memory;
    this.#func = func;
    this.#offsets = offsets;
    this.#flags = flags;
    this.#index = index;
  }

  get patchOffset(): number {
    return this.#readByte(this.#offsets.patchOffset);
  }

  set patchOffset(value: number) {
    this.#writeByte(this.#offsets.patchOffset, value);
  }

  get applied(): number {
    if (this.#offsets.applied !== undefined) return this.#readByte(this.#offsets.applied);
    return this.#flags.has(this.#index) ? LIVEPATCH_FUNC_APPLIED : LIVEPATCH_FUNC_NOT_APPLIED;
  }

  set applied(value: number) {
    if (this.#offsets.applied !== undefined) this.#writeByte(this.#offsets.applied, value);
    else if (value === LIVEPATCH_FUNC_APPLIED) this.#flags.add(this.#index);
    else this.#flags.delete(this.#index);
  }

  saveInsns(bytes: Uint8Array): void {
    this.#memory.write(addOffset(this.#func, this.#offsets.opaque), bytes);
  }

  savedInsns(length: number): Uint8Array {
    return this.#memory.read(addOffset(this.#func, this.#offsets.opaque), length);
  }

  #readByte(offset: number | undefined): number {
    return offset === undefined ? 0 : (this.#memory.read(addOffset(this.#func, offset), 1)[0] as number);
  }

  #writeByte(offset: number | undefined, value: number): void {
    if (offset !== undefined) this.#memory.write(addOffset(this.#func, offset), Uint8Array.of(value));
  }
}
