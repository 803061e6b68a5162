import { type Address, type Finding, fromLatin1, XspliceError } from '../base/index.ts';
import {
  type ActionName,
  type ActionOptions,
  type Answer,
  type CallableTarget,
  type CallResult,
  decodeLivepatchSysctl,
  encodeLivepatchSysctl,
  type FunctionCall,
  type GetResult,
  getResult,
  type HostPanic,
  type KnownOp,
  LIVEPATCH_ACTIONS,
  type ListRequest,
  type ListResult,
  listCall,
  livepatchName,
  type NoAnswer,
  type OpResult,
  type PlaceBytes,
  type RawResult,
  XEN_SYSCTL_SIZE,
} from '../xen/index.ts';
import type { CacheMaintenance } from './cache-maintenance.ts';
import { callFunction } from './call-function.ts';
import { peek } from './describe.ts';
import { enter } from './front-door.ts';
import { ScratchGuestMemory } from './guest-memory.ts';
import { type Hypervisor, takeFindings, within } from './hypervisor.ts';
import { livepatchPrintAll } from './keyhandler.ts';
import { checkForLivepatchWork } from './rendezvous.ts';
import type { HookCall } from './stop.ts';
import { doSysctl } from './sysctl.ts';

/**
 * The simulated hypervisor as a target: every call goes through the front door as bytes, as a toolstack's does, and the host then idles
 * until it has nothing more to do.
 */
export class SimulatedTarget implements CallableTarget {
  readonly hypervisor: Hypervisor;

  constructor(hypervisor: Hypervisor) {
    this.hypervisor = hypervisor;
  }

  async upload(name: string, payload: Uint8Array, flags = 0): Promise<OpResult> {
    return this.uploadNow(name, payload, flags);
  }

  /** As {@link upload}, at once: nothing of the simulation waits for anything. */
  uploadNow(name: string, payload: Uint8Array, flags = 0): OpResult {
    const guest = new ScratchGuestMemory();
    const op = {
      kind: 'upload',
      name: nameOf(guest, name),
      size: BigInt(payload.length),
      payload: guest.place(payload),
    } as const;
    return resultOf(this.#hypercall(guest, op, flags));
  }

  async get(name: string): Promise<GetResult> {
    const guest = new ScratchGuestMemory();
    const answer = this.#hypercall(guest, { kind: 'get', name: nameOf(guest, name), state: 0, rc: 0 });
    return answer.kind === 'answered' ? getResult(answer.rc, answer.op) : answer;
  }

  async list(request: ListRequest): Promise<ListResult> {
    const guest = new ScratchGuestMemory();
    const metadataRoom = this.hypervisor.payloads.reduce((sum, payload) => sum + payload.metadata.size, 0);
    const call = listCall(request, this.hypervisor.release, metadataRoom, (length) => guest.place(length));
    const answer = this.#hypercall(guest, call.op);
    if (answer.kind === 'no-answer') return answer;
    return call.result(answer.rc, answer.op, (handle, length) => guest.read(handle, length) as Uint8Array);
  }

  /** Schedules the action and lets the CPUs meet. Its own result is in `get`. */
  async action(name: string, action: ActionName, options: ActionOptions = {}): Promise<OpResult> {
    const result = this.schedule(name, action, options);
    this.idle();
    return result;
  }

  /** Makes the hypercall of an action alone: the action is pending until {@link idle}. */
  schedule(name: string, action: ActionName, options: ActionOptions = {}): OpResult {
    const guest = new ScratchGuestMemory();
    const { timeout = 0, flags = 0 } = options;
    const op = {
      kind: 'action',
      name: nameOf(guest, name),
      action: LIVEPATCH_ACTIONS[action],
      timeout,
      flags,
      pad: 0,
    } as const;
    return resultOf(this.#hypercall(guest, op));
  }

  /** Lets the CPUs reach their idle loops. */
  idle(): void {
    enter(this.hypervisor, () => within(this.hypervisor, 'idle_loop', () => checkForLivepatchWork(this.hypervisor)));
  }

  async takeConsole(): Promise<readonly string[]> {
    return this.hypervisor.machine.console.take();
  }

  async panic(): Promise<HostPanic | null> {
    return this.hypervisor.stopped?.panic ?? null;
  }

  /** The call into payload code that ended the simulation, or `null`. */
  hookReached(): HookCall | null {
    return this.hypervisor.stopped?.hook ?? null;
  }

  async dump(): Promise<void> {
    enter(this.hypervisor, () => livepatchPrintAll(this.hypervisor));
  }

  async peek(address: Address, length: number): Promise<Uint8Array | null> {
    return peek(this.hypervisor, address, length);
  }

  async rawSysctl(encode: (place: PlaceBytes) => Uint8Array): Promise<RawResult | NoAnswer> {
    const { arch, stopped } = this.hypervisor;
    if (stopped !== null) throw new XspliceError('EHOST', 'the host is down: it takes no more calls');
    const guest = new ScratchGuestMemory(arch.pvGuestAddress ?? undefined);
    const handle = guest.place(encode((bytes) => guest.place(bytes)));
    const read = (address: Address, length: number): Uint8Array => guest.read(address, length) as Uint8Array;
    const rc = enter(this.hypervisor, () => doSysctl(this.hypervisor, guest, handle));
    this.idle();
    if (rc === undefined) return { kind: 'no-answer' };
    return { kind: 'answered', rc, sysctl: read(handle, XEN_SYSCTL_SIZE), read };
  }

  async call(request: FunctionCall): Promise<CallResult> {
    return this.callNow(request);
  }

  /** The same at once. */
  callNow(request: FunctionCall): CallResult {
    return callFunction(this.hypervisor, request);
  }

  async close(): Promise<void> {
    this.hypervisor.code?.close();
  }

  /** What was done to caches since the last call, in order: on architectures where that is left to software. */
  takeCacheMaintenance(): CacheMaintenance[] {
    return this.hypervisor.caches.take();
  }

  takeFindings(): Finding[] {
    return takeFindings(this.hypervisor);
  }

  #hypercall(guest: ScratchGuestMemory, op: KnownOp, word = 0): Called | NoAnswer {
    const { release } = this.hypervisor;
    const handle = guest.place(encodeLivepatchSysctl(release, op, { word }));
    if (this.hypervisor.stopped !== null) throw new XspliceError('EHOST', 'the host is down: it takes no more calls');
    const rc = enter(this.hypervisor, () => doSysctl(this.hypervisor, guest, handle));
    if (rc === undefined) return { kind: 'no-answer' };
    const bytes = guest.read(handle, XEN_SYSCTL_SIZE) as Uint8Array;
    const decoded = decodeLivepatchSysctl(release, bytes).op;
    return { kind: 'answered', rc, op: decoded as KnownOp };
  }
}

/** A hypercall that came back, and the operation with its OUT members. */
type Called = Answer & { readonly op: KnownOp };

const resultOf = (called: Called | NoAnswer): OpResult =>
  called.kind === 'answered' ? { kind: 'answered', rc: called.rc } : called;

const nameOf = (guest: ScratchGuestMemory, name: string) =>
  livepatchName(guest.place(fromLatin1(`${name}\0`)), name.length + 1);
