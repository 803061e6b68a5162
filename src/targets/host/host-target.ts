import { cString, fromLatin1, hex, viewOf, XspliceError } from '../../base/index.ts';
import {
  type ActionName,
  type ActionOptions,
  type Answer,
  ERRNO,
  type HostPanic,
  LIVEPATCH_LIST_MAX,
  LIVEPATCH_STATUS,
  type ListAnswer,
  type ListArrays,
  type ListRequest,
  type LivepatchTarget,
  listEntries,
  type PayloadFound,
  type Refused,
  XEN_LIVEPATCH_NAME_SIZE,
} from '../../xen/index.ts';
import { HostConsole, word, wordOf } from './console.ts';
import { type Called, type Handle, type LibraryCalls, SINCE } from './library-calls.ts';

/** XENVER_*. Source: xen/include/public/version.h. */
const XENVER_VERSION = 0;
const XENVER_EXTRAVERSION = 1;
const XENVER_BUILD_ID = 10;

/** Size of xen_extraversion_t, and room for a build-id. Source: xen/include/public/version.h. */
const EXTRAVERSION = 16;
const BUILD_ID = 64;

/** LIVEPATCH_FLAG_FORCE. Source: xen/include/public/sysctl.h. */
const FORCE = 1;

/** Largest `uint32_t` that a library accepts. */
const U32 = 0xffff_ffff;

/** The hypervisor that this process runs on, through `libxenctrl`. The caller must close it. */
export class HostTarget implements LivepatchTarget {
  readonly #calls: LibraryCalls;
  readonly #console: HostConsole;
  #handle: Handle | null;

  /** Takes an open `handle` and skips everything printed before now. */
  constructor(calls: LibraryCalls, handle: Handle) {
    this.#calls = calls;
    this.#handle = handle;
    this.#console = new HostConsole(calls, handle);
    this.#console.take();
  }

  /** Returns `17` for `libxenctrl.so.4.17`, the library in use. */
  get minor(): number {
    return this.#calls.library.minor;
  }

  /** Returns the path of the library. */
  get library(): string {
    return this.#calls.library.path;
  }

  get #open(): Handle {
    if (this.#handle === null) throw new XspliceError('EHOST', 'the connection to the hypervisor is closed');
    return this.#handle;
  }

  /** Uploads a payload. Returns -EINVAL if the library does not know LIVEPATCH_FLAG_FORCE, as an older hypervisor would. */
  async upload(name: string, payload: Uint8Array, flags = 0): Promise<Answer> {
    const force = this.minor >= SINCE.force;
    if (payload.length > U32 || (flags & ~(force ? FORCE : 0)) !== 0) return answer(-ERRNO.EINVAL);
    const forced = force ? [(flags & FORCE) !== 0] : [];
    return answer(rcOf(this.#calls.upload(this.#open, nameBytes(name), payload, payload.length, ...forced)));
  }

  async get(name: string): Promise<PayloadFound | Refused> {
    const status = new Uint8Array(LIVEPATCH_STATUS.size);
    const rc = rcOf(this.#calls.get(this.#open, nameBytes(name), status));
    if (rc !== 0) return { kind: 'refused', rc };
    const { state, rc: statusRc } = LIVEPATCH_STATUS.read(viewOf(status), 0);
    return { kind: 'found', rc, state, statusRc };
  }

  /**
   * Lists payloads. The library fetches them page by page and starts again if the list changes; it gives up with -EBUSY. It does not
   * expose the list's version, so `version` is 0. Up to 4.13 there are no sizes.
   */
  async list(request: ListRequest): Promise<ListAnswer> {
    if (this.#calls.listGetSizes === undefined) return this.#listWithoutSizes(request);
    const [nr, nameSize, metadataSize] = [word(), word(), word()];
    const rc = rcOf(this.#calls.listGetSizes(this.#open, nr, nameSize, metadataSize));
    if (rc < 0) return { ...NOTHING, rc };
    const sizes = { nr: wordOf(nr), nameTotalSize: wordOf(nameSize), metadataTotalSize: wordOf(metadataSize) };
    // The library refuses to list zero payloads.
    if (request.nr === 0 || sizes.nr === 0) return { ...NOTHING, ...sizes };
    const nameRoom = request.nameTotalSize ?? sizes.nameTotalSize;
    const metadataRoom = request.metadataTotalSize ?? sizes.metadataTotalSize;
    const count = Math.min(request.nr, LISTED_MAX);
    const found = new Listed(count, nameRoom, metadataRoom);
    const { status, names, len, metadata, metadataLen, done, left } = found;
    const result = rcOf(
      this.#calls.list(
        ...[this.#open, count, request.idx, status, names, len, nameRoom],
        ...[metadata, metadataLen, metadataRoom, done, left],
      ),
    );
    const { nameTotalSize, metadataTotalSize } = sizes;
    return found.result(result, { nameTotalSize, metadataTotalSize }, true);
  }

  #listWithoutSizes(request: ListRequest): ListAnswer {
    const count = Math.min(Math.max(request.nr, 1), LISTED_MAX);
    const found = new Listed(count, count * XEN_LIVEPATCH_NAME_SIZE, 0);
    const { status, names, len, done, left } = found;
    const rc = rcOf(this.#calls.list(this.#open, count, request.idx, status, names, len, done, left));
    const result = found.result(rc, { nameTotalSize: 0, metadataTotalSize: 0 }, false);
    if (request.nr !== 0 || rc < 0) return result;
    return { ...result, rc: 0, nr: result.nr + result.entries.length, entries: [] };
  }

  /** Schedules the action and returns at once. Flags need 4.14: -EINVAL before. */
  async action(name: string, action: ActionName, { timeout = 0, flags = 0 }: ActionOptions = {}): Promise<Answer> {
    const flagged = this.minor >= SINCE.metadata;
    if (!flagged && flags !== 0) return answer(-ERRNO.EINVAL);
    const more = flagged ? [flags] : [];
    return answer(rcOf(this.#calls.actions[action](this.#open, nameBytes(name), timeout, ...more)));
  }

  /** Returns no lines if we may not read the hypervisor's ring. */
  async takeConsole(): Promise<readonly string[]> {
    if (this.#handle === null) return [];
    const lines = this.#console.take();
    return typeof lines === 'number' ? [] : lines;
  }

  /** Always null: a panicked host would have taken this process with it. */
  async panic(): Promise<HostPanic | null> {
    return null;
  }

  /** Presses the console key `x`; the next `takeConsole` returns what it prints. */
  async dump(): Promise<Answer> {
    return answer(rcOf(this.#calls.sendDebugKeys(this.#open, nameBytes('x'))));
  }

  /** Returns the version, such as `4.17.7`, or `null` if the hypervisor does not report it. */
  async version(): Promise<string | null> {
    const { result } = this.#calls.version(this.#open, XENVER_VERSION, null);
    if (result < 0) return null;
    const extra = new Uint8Array(EXTRAVERSION);
    const named = this.#calls.version(this.#open, XENVER_EXTRAVERSION, extra).result >= 0;
    return `${result >> 16}.${result & 0xffff}${named ? cString(extra, 0) : ''}`;
  }

  /** Returns the build-id in hex, or `null` if the hypervisor has none or does not report it. */
  async buildId(): Promise<string | null> {
    const id = new Uint8Array(4 + BUILD_ID);
    id.set(word(BUILD_ID));
    const { result } = this.#calls.version(this.#open, XENVER_BUILD_ID, id);
    return result <= 0 ? null : hex(id.subarray(4, 4 + result));
  }

  /** Closes the connection. Closing twice is fine. */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    if (handle !== null) this.#calls.close(handle);
  }
}

/** Upper bound on listed payloads; no host has this many loaded. */
const LISTED_MAX = 64 * LIVEPATCH_LIST_MAX;

const NOTHING: ListAnswer = {
  kind: 'answered',
  rc: 0,
  version: 0,
  nr: 0,
  nameTotalSize: 0,
  metadataTotalSize: 0,
  entries: [],
};

/** The arrays that the library writes a list into. */
class Listed implements ListArrays {
  readonly status: Uint8Array;
  readonly names: Uint8Array;
  readonly len: Uint8Array;
  readonly metadata: Uint8Array;
  readonly metadataLen: Uint8Array;
  readonly done = word();
  readonly left = word();

  /** Allocates room for `count` entries; sizes in bytes. No array is empty, because a null address would be refused. */
  constructor(count: number, nameRoom: number, metadataRoom: number) {
    this.status = new Uint8Array(count * LIVEPATCH_STATUS.size);
    this.names = new Uint8Array(nameRoom + 1);
    this.len = new Uint8Array(count * 4);
    this.metadata = new Uint8Array(metadataRoom + 1);
    this.metadataLen = new Uint8Array(count * 4);
  }

  result(rc: number, sizes: Pick<ListAnswer, 'nameTotalSize' | 'metadataTotalSize'>, hasMetadata: boolean): ListAnswer {
    const left = wordOf(this.left);
    if (rc < 0) return { ...NOTHING, ...sizes, rc, nr: left };
    const count = Math.min(wordOf(this.done), this.len.length / 4);
    return { ...NOTHING, ...sizes, rc: count, nr: left, entries: listEntries(this, count, hasMetadata) };
  }
}

const answer = (rc: number): Answer => ({ kind: 'answered', rc });

const rcOf = ({ result, errno }: Called): number => (result < 0 ? -errno : result);

/** Encodes a name with its NUL. An embedded NUL ends the name for the library. */
const nameBytes = (name: string): Uint8Array => fromLatin1(`${name}\0`);
