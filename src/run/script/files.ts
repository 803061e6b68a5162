/** How the files of a scenario are read: a port, as this room has no files. Paths are byte strings, relative to the scenario's root, with `/`. */
export interface ScriptFiles {
  /** The text of a scenario file. Rejects with an XspliceError (EFILE): not there, outside the root, larger than `cap` bytes, no UTF-8. */
  readText(path: string, cap: number): Promise<string>;
  /** The bytes of a payload, or of a hypervisor's image. Rejects with an XspliceError (EFILE). */
  readBytes(path: string, what: 'payload' | 'xen-syms'): Promise<Uint8Array>;
  /** The file as the user would name it. */
  name(path: string): string;
}
