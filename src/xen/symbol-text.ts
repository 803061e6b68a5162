/**
 * Formats a `pci_sbdf_t` as segment, bus, device and function: `0004:02:00.0`.
 * Source: xen/include/xen/pci.h: function in bits 0 … 2, device in 3 … 7, bus in 8 … 15, segment above.
 */
export function pciText(sbdf: number): string {
  const digits = (value: number, width: number): string => value.toString(16).padStart(width, '0');
  const [segment, bus, device] = [sbdf >>> 16, (sbdf >>> 8) & 0xff, (sbdf >>> 3) & 0x1f];
  return `${digits(segment, 4)}:${digits(bus, 2)}:${digits(device, 2)}.${sbdf & 7}`;
}

/** Result of a symbol lookup. */
export interface SymbolPlace {
  readonly name: string;
  /** Bytes from the symbol's start. */
  readonly offset: number;
  /** Size in bytes, as symbols_lookup counts it. */
  readonly size: number;
  /** Payload of the symbol, if any. */
  readonly payload?: string | undefined;
}

/** Returns the text of `%pS`, or without `withOffset` of `%ps`, which omits an offset of 0: `printk+0/0x48`, `fn+0x12/0x30 [payload]`. */
export function symbolText({ name, offset, size, payload }: SymbolPlace, withOffset: boolean): string {
  // `#` prints zero without a prefix.
  const number = (value: number): string => (value === 0 ? '0' : `0x${value.toString(16)}`);
  const place = withOffset || offset !== 0 ? `+${number(offset)}/${number(size)}` : '';
  return name + place + (payload === undefined ? '' : ` [${payload}]`);
}
