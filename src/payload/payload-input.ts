/** A payload as commands pass it on. */
export interface PayloadInput {
  /** The file name that the user gave, for findings. */
  readonly file: string;
  /** The payload's name in the hypervisor, see {@link payloadName}. A byte string. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * The name that `xen-livepatch load FILE` gives a payload: the base name up to its last dot; without a dot, all of it.
 * Source: tools/misc/xen-livepatch.c, load_func (`basename`, `strrchr(name, '.')`).
 */
export function payloadName(path: string): string {
  const base = path.replace(/\/+$/, '').replace(/^.*\//s, '');
  const dot = base.lastIndexOf('.');
  return dot < 0 ? base : base.slice(0, dot);
}
