/** An address as text: `0x` and lower-case hex digits, as `hexAddress` of base/ makes it. */
export type HexAddress = string;

/** Contiguous lower-case hex digits, two per byte, as `hex` of base/ makes them. */
export type HexBytes = string;
