import type { Koffi } from '../../native/index.ts';
import type { Library } from './libraries.ts';

/** Minor releases that changed the interface of `libxenctrl`. Source: tools/include/xenctrl.h of each. */
export const SINCE = {
  /** xc_livepatch_list_get_sizes; lists with metadata; flags of actions (b145b4a39c, 5083e0ff93, b274989b61). */
  metadata: 14,
  /** `force` of xc_livepatch_upload (62a72092a5). */
  force: 19,
} as const;

/** An opaque pointer owned by the library. */
export type Handle = unknown;

/** Result of a call, and errno if the result is negative. */
export interface Called {
  readonly result: number;
  readonly errno: number;
}

/**
 * A function of the library. A byte array is passed by address: the caller keeps it alive until the call returns, and then reads
 * what the library wrote to it.
 */
type Call = (...args: readonly (Handle | number | boolean | Uint8Array | null)[]) => Called;

/** The functions of `libxenctrl` that we use, bound to one library. */
export interface LibraryCalls {
  readonly library: Library;
  /** xc_interface_open. Returns `null` and an errno on failure. */
  readonly open: () => { readonly handle: Handle | null; readonly errno: number };
  readonly close: Call;
  readonly upload: Call;
  readonly get: Call;
  /** Only since 4.14. */
  readonly listGetSizes: Call | undefined;
  readonly list: Call;
  readonly actions: Readonly<Record<'apply' | 'revert' | 'unload' | 'replace', Call>>;
  readonly version: Call;
  readonly readConsoleRing: Call;
  readonly sendDebugKeys: Call;
}

const HANDLE = 'void *';
const BYTES = 'uint8_t *';
const U32 = 'uint32_t';

/** Loads a library. Throws koffi's error if a dependency or a symbol is missing. */
export function bindLibrary(koffi: Koffi, library: Library): LibraryCalls {
  const loaded = koffi.load(library.path);
  const bind = (name: string, args: readonly string[]): Call => {
    const call = loaded.func(name, 'int', [...args]);
    return (...values) => {
      const result: number = call(...values);
      // Read errno at once: the next call may overwrite it.
      return { result, errno: result < 0 ? koffi.errno() : 0 };
    };
  };
  const open = loaded.func('xc_interface_open', HANDLE, [HANDLE, HANDLE, 'unsigned int']);
  const newer = library.minor >= SINCE.metadata;
  const action = (name: string): Call => bind(name, [HANDLE, BYTES, U32, ...(newer ? [U32] : [])]);
  const forced = library.minor >= SINCE.force ? ['bool'] : [];
  const listed = newer
    ? [HANDLE, U32, U32, BYTES, BYTES, BYTES, U32, BYTES, BYTES, U32, BYTES, BYTES]
    : [HANDLE, U32, U32, BYTES, BYTES, BYTES, BYTES, BYTES];
  return {
    library,
    open: () => {
      const handle: Handle | null = open(null, null, 0);
      return { handle, errno: handle === null ? koffi.errno() : 0 };
    },
    close: bind('xc_interface_close', [HANDLE]),
    upload: bind('xc_livepatch_upload', [HANDLE, BYTES, BYTES, U32, ...forced]),
    get: bind('xc_livepatch_get', [HANDLE, BYTES, BYTES]),
    listGetSizes: newer ? bind('xc_livepatch_list_get_sizes', [HANDLE, BYTES, BYTES, BYTES]) : undefined,
    list: bind('xc_livepatch_list', listed),
    actions: {
      apply: action('xc_livepatch_apply'),
      revert: action('xc_livepatch_revert'),
      unload: action('xc_livepatch_unload'),
      replace: action('xc_livepatch_replace'),
    },
    version: bind('xc_version', [HANDLE, 'int', BYTES]),
    readConsoleRing: bind('xc_readconsolering', [HANDLE, BYTES, BYTES, 'int', 'int', BYTES]),
    sendDebugKeys: bind('xc_send_debug_keys', [HANDLE, BYTES]),
  };
}
