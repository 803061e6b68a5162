import { fromLatin1, latin1, viewOf } from '../../base/index.ts';
import {
  type ActionName,
  type ActionOptions,
  decodeLivepatchSysctl,
  encodeLivepatchSysctl,
  type GetResult,
  type KnownOp,
  LIVEPATCH_ACTIONS,
  LIVEPATCH_LIST_MAX,
  LIVEPATCH_MAX_SIZE,
  LIVEPATCH_STATUS,
  type ListEntry,
  type ListRequest,
  type ListResult,
  livepatchName,
  type SysctlAbi,
  XEN_LIVEPATCH_NAME_SIZE,
} from '../../xen/index.ts';
import type { AgentChannel } from './agent-channel.ts';
import { HYPERVISOR_SYSCTL } from './console-ring.ts';
import { GuestArena } from './guest-arena.ts';

/** Largest value of `name_size`. */
const NAME_SIZE_MAX = 0xffff;

interface Outcome {
  readonly rc: number;
  readonly op: KnownOp;
}

/** The four sub-operations as hypercalls of dom0. Results are those of the hypervisor, failures negated errnos. */
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
    // A larger size is refused before anything is read, so the bytes behind need not be there. Source: verify_payload.
    const bytes = arena.place(payload.subarray(0, LIVEPATCH_MAX_SIZE));
    const op = { kind: 'upload', name: nameIn(arena, name), size: BigInt(payload.length), payload: bytes } as const;
    return (await this.#call(arena, op, flags)).rc;
  }

  async get(name: string): Promise<GetResult> {
    const arena = new GuestArena();
    const { rc, op } = await this.#call(arena, { kind: 'get', name: nameIn(arena, name), state: 0, rc: 0 });
    if (rc !== 0 || op.kind !== 'get') return { rc, state: null, statusRc: null };
    return { rc, state: op.state, statusRc: op.rc };
  }

  async action(name: string, action: ActionName, { timeout = 0, flags = 0 }: ActionOptions): Promise<number> {
    const arena = new GuestArena();
    const number = LIVEPATCH_ACTIONS[action];
    const op = { kind: 'action', name: nameIn(arena, name), action: number, timeout, flags, pad: 0 } as const;
    return (await this.#call(arena, op)).rc;
  }

  async list(request: ListRequest): Promise<ListResult> {
    const arena = new GuestArena();
    // More than is asked for is refused, so it needs no room.
    const room = Math.min(request.nr, LIVEPATCH_LIST_MAX);
    const metadataRoom = room === 0 || !this.#abi.listMetadata ? 0 : await this.#metadataSize();
    const handles = {
      status: arena.placeOutput(room * LIVEPATCH_STATUS.size),
      names: arena.placeOutput(room * XEN_LIVEPATCH_NAME_SIZE),
      len: arena.placeOutput(room * 4),
      metadata: arena.placeOutput(metadataRoom),
      metadataLen: arena.placeOutput(room * 4),
    };
    const { rc, op } = await this.#call(arena, {
      kind: 'list',
      version: 0,
      idx: request.idx,
      nr: request.nr,
      pad: 0,
      nameTotalSize: request.nameTotalSize ?? room * XEN_LIVEPATCH_NAME_SIZE,
      metadataTotalSize: request.metadataTotalSize ?? metadataRoom,
      ...handles,
    });
    const out = op.kind === 'list' ? op : { version: 0, nr: 0, nameTotalSize: 0, metadataTotalSize: 0 };
    const { version, nr, nameTotalSize, metadataTotalSize } = out;
    const entries = request.nr === 0 ? [] : this.#entries(arena, handles, rc);
    return { rc, version, nr, nameTotalSize, metadataTotalSize, entries };
  }

  /** How many bytes of metadata all payloads have together. */
  async #metadataSize(): Promise<number> {
    const { metadataTotalSize } = await this.list({ idx: 0, nr: 0 });
    return metadataTotalSize;
  }

  #entries(arena: GuestArena, handles: Record<ListArray, bigint>, count: number): ListEntry[] {
    const { listMetadata } = this.#abi;
    const words = (array: 'len' | 'metadataLen', i: number): number =>
      viewOf(arena.output(handles[array])).getUint32(4 * i, true);
    const status = viewOf(arena.output(handles.status));
    const names = arena.output(handles.names);
    const metadata = arena.output(handles.metadata);
    const entries: ListEntry[] = [];
    let name = 0;
    let data = 0;
    for (let i = 0; i < count; i++) {
      const length = words('len', i);
      const dataLength = listMetadata ? words('metadataLen', i) : 0;
      const at = listMetadata ? name : i * XEN_LIVEPATCH_NAME_SIZE;
      entries.push({
        name: latin1(names.subarray(at, at + length - 1)),
        ...LIVEPATCH_STATUS.read(status, i * LIVEPATCH_STATUS.size),
        metadata: metadata.slice(data, data + dataLength),
      });
      name += length;
      data += dataLength;
    }
    return entries;
  }
}

type ListArray = 'status' | 'names' | 'len' | 'metadata' | 'metadataLen';

function nameIn(arena: GuestArena, name: string) {
  const bytes = fromLatin1(`${name}\0`).subarray(0, NAME_SIZE_MAX);
  return livepatchName(arena.place(bytes), bytes.length);
}
