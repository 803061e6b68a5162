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

/** What a library takes in a `uint32_t`. */
const U32 = 0xffff_ffff;

/** The hypervisor that this process runs on, through `libxenctrl`. Has to be closed. */
export class HostTarget implements LivepatchTarget {
  readonly #calls: LibraryCalls;
  readonly #console: HostConsole;
  #handle: Handle | null;

  /** `handle` is open. What was printed up to now is skipped. */
  constructor(calls: LibraryCalls, handle: Handle) {
    this.#calls = calls;
    this.#handle = handle;
    this.#console = new HostConsole(calls, handle);
    this.#console.take();
  }

  /** `17` of `libxenctrl.so.4.17`, by which the library that is used goes. */
  get minor(): number {
    return this.#calls.library.minor;
  }

  /** Path of the library. */
  get library(): string {
    return this.#calls.library.path;
  }

  get #open(): Handle {
    if (this.#handle === null) throw new XspliceError('EHOST', 'the connection to the hypervisor is closed');
    return this.#handle;
  }

  /** LIVEPATCH_FLAG_FORCE has to be known to the library: -EINVAL otherwise, as from a hypervisor that does not know it. */
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
   * The library asks page by page where that is necessary, and again where the list changes meanwhile; -EBUSY where it
   * does not stop changing. It keeps the list's version to itself: `version` is 0. Up to 4.13 there are no sizes.
   */
  async list(request: ListRequest): Promise<ListAnswer> {
    if (this.#calls.listGetSizes === undefined) return this.#listWithoutSizes(request);
    const [nr, nameSize, metadataSize] = [word(), word(), word()];
    const rc = rcOf(this.#calls.listGetSizes(this.#open, nr, nameSize, metadataSize));
    if (rc < 0) return { ...NOTHING, rc };
    const sizes = { nr: wordOf(nr), nameTotalSize: wordOf(nameSize), metadataTotalSize: wordOf(metadataSize) };
    // The library refuses to list what is not there.
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

  /** Schedules the action, and does not wait for it. Flags need 4.14: -EINVAL before. */
  async action(name: string, action: ActionName, { timeout = 0, flags = 0 }: ActionOptions = {}): Promise<Answer> {
    const flagged = this.minor >= SINCE.metadata;
    if (!flagged && flags !== 0) return answer(-ERRNO.EINVAL);
    const more = flagged ? [flags] : [];
    return answer(rcOf(this.#calls.actions[action](this.#open, nameBytes(name), timeout, ...more)));
  }

  /** Nothing where the hypervisor does not let us read its ring. */
  async takeConsole(): Promise<readonly string[]> {
    if (this.#handle === null) return [];
    const lines = this.#console.take();
    return typeof lines === 'number' ? [] : lines;
  }

  /** Whoever is told has no panic. */
  async panic(): Promise<HostPanic | null> {
    return null;
  }

  /** Presses the console key `x`: what it prints comes with the next `takeConsole`. */
  async dump(): Promise<Answer> {
    return answer(rcOf(this.#calls.sendDebugKeys(this.#open, nameBytes('x'))));
  }

  /** `4.17.7`; `null` where the hypervisor does not say. */
  async version(): Promise<string | null> {
    const { result } = this.#calls.version(this.#open, XENVER_VERSION, null);
    if (result < 0) return null;
    const extra = new Uint8Array(EXTRAVERSION);
    const named = this.#calls.version(this.#open, XENVER_EXTRAVERSION, extra).result >= 0;
    return `${result >> 16}.${result & 0xffff}${named ? cString(extra, 0) : ''}`;
  }

  /** Hex digits; `null` where the hypervisor has none, or does not say. */
  async buildId(): Promise<string | null> {
    const id = new Uint8Array(4 + BUILD_ID);
    id.set(word(BUILD_ID));
    const { result } = this.#calls.version(this.#open, XENVER_BUILD_ID, id);
    return result <= 0 ? null : hex(id.subarray(4, 4 + result));
  }

  /** Closes the connection. May be called again. */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    if (handle !== null) this.#calls.close(handle);
  }
}

/** Entries that are asked for at most: more payloads than this are not loaded anywhere. */
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

/** The arrays that a list is written into. */
class Listed implements ListArrays {
  readonly status: Uint8Array;
  readonly names: Uint8Array;
  readonly len: Uint8Array;
  readonly metadata: Uint8Array;
  readonly metadataLen: Uint8Array;
  readonly done = word();
  readonly left = word();

  /** For so many entries; sizes in bytes. Every array has a byte at least: no address would be taken for a mistake. */
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

/** A name with its NUL. The library looks for that, so one inside ends the name. */
const nameBytes = (name: string): Uint8Array => fromLatin1(`${name}\0`);
