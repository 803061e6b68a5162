/** Reads the files of a scenario. A port. Paths are byte strings relative to the scenario's root, with `/`. */
export interface ScriptFiles {
  /** Reads a scenario file. Rejects with an XspliceError (EFILE) if it is missing, outside the root, larger than `cap` bytes, or not UTF-8. */
  readText(path: string, cap: number): Promise<string>;
  /** Reads a payload or a hypervisor's image. Rejects with an XspliceError (EFILE) if it cannot be read. */
  readBytes(path: string, what: 'payload' | 'xen-syms'): Promise<Uint8Array>;
  /** Returns the file's name for messages. */
  name(path: string): string;
}
