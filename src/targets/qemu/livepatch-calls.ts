import { fromLatin1 } from '../../base/index.ts';
import {
  type ActionName,
  type ActionOptions,
  decodeLivepatchSysctl,
  encodeLivepatchSysctl,
  getResult,
  type KnownOp,
  LIVEPATCH_ACTIONS,
  LIVEPATCH_MAX_SIZE,
  type ListAnswer,
  type ListRequest,
  listCall,
  livepatchName,
  type PayloadFound,
  type Refused,
  type SysctlAbi,
} from '../../xen/index.ts';
import type { AgentChannel } from './agent-channel.ts';
import { HYPERVISOR_SYSCTL } from './console-ring.ts';
import { GuestArena } from './guest-arena.ts';

/** Maximum `name_size`. */
const NAME_SIZE_MAX = 0xffff;

interface Outcome {
  readonly rc: number;
  readonly op: KnownOp;
}

/** The four sub-operations as hypercalls of dom0. Returns the hypervisor's results; a failure is a negated errno. */
export class LivepatchCalls {
  readonly #agent: AgentChannel;
  readonly #abi: SysctlAbi;

  constructor(agent: AgentChannel, abi: SysctlAbi) {
    this.#agent = agent;
    this.#abi = abi;
  }

  async #call(arena: GuestArena, op: KnownOp, word = 0): Promise<Outcome> {
    const sysctl = arena.placeOutput(encodeLivepatchSysctl(this.#abi, op, { word }));
    const rc = await this.#agent.hypercall(arena, HYPERVISOR_SYSCTL, [sysctl]);
    return { rc, op: decodeLivepatchSysctl(this.#abi, arena.output(sysctl)).op as KnownOp };
  }

  async upload(name: string, payload: Uint8Array, flags: number): Promise<number> {
    const arena = new GuestArena();
    // Xen refuses a larger size before it reads anything, so the excess bytes can stay here. Source: verify_payload.
    const bytes = arena.place(payload.subarray(0, LIVEPATCH_MAX_SIZE));
    const op = { kind: 'upload', name: nameIn(arena, name), size: BigInt(payload.length), payload: bytes } as const;
    return (await this.#call(arena, op, flags)).rc;
  }

  async get(name: string): Promise<PayloadFound | Refused> {
    const arena = new GuestArena();
    const { rc, op } = await this.#call(arena, { kind: 'get', name: nameIn(arena, name), state: 0, rc: 0 });
    return getResult(rc, op);
  }

  async action(name: string, action: ActionName, { timeout = 0, flags = 0 }: ActionOptions): Promise<number> {
    const arena = new GuestArena();
    const number = LIVEPATCH_ACTIONS[action];
    const op = { kind: 'action', name: nameIn(arena, name), action: number, timeout, flags, pad: 0 } as const;
    return (await this.#call(arena, op)).rc;
  }

  async list(request: ListRequest): Promise<ListAnswer> {
    const arena = new GuestArena();
    const metadataRoom = request.nr === 0 || !this.#abi.listMetadata ? 0 : await this.#metadataSize();
    const call = listCall(request, this.#abi, metadataRoom, (length) => arena.placeOutput(length));
    const { rc, op } = await this.#call(arena, call.op);
    return call.result(rc, op, (handle) => arena.output(handle));
  }

  /** Returns the size of all payloads' metadata together, in bytes. */
  async #metadataSize(): Promise<number> {
    const { metadataTotalSize } = await this.list({ idx: 0, nr: 0 });
    return metadataTotalSize;
  }
}

function nameIn(arena: GuestArena, name: string) {
  const bytes = fromLatin1(`${name}\0`).subarray(0, NAME_SIZE_MAX);
  return livepatchName(arena.place(bytes), bytes.length);
}
