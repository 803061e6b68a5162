/**
 * Relocations are rows of data. One function in the hypervisor room applies them all.
 *
 * Formula letters are the ABI documents': S value of the symbol, A addend, P address of the place.
 */
export interface RelocationRow {
  readonly type: number;
  readonly name: string;
  readonly formula: 'none' | 'S + A' | 'S + A - P';
  /** Bytes stored at the place; also the bytes that must lie inside the section. */
  readonly width: 0 | 4 | 8;
  /** `signed`: the 64-bit result must be the sign extension of what was stored; checked after the store. */
  readonly overflow: 'none' | 'signed';
}
