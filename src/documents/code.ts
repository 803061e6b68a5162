/** What a finding shows of the code that it is about. Data, as in documents.ts. */
import type { HexAddress, HexBytes } from './hex-text.ts';

/** One instruction around the place of a finding; a few bytes where nothing could take them apart. */
export interface CodeLine {
  /** Bytes from the start of the section, in a payload. */
  readonly offset?: number;
  /** Where it is in the hypervisor. Each line has one of the two. */
  readonly address?: HexAddress;
  readonly bytes: HexBytes;
  /** Mnemonic and operands, `(bad)` for no instruction; null for bytes that were not taken apart. A byte string. */
  readonly text: string | null;
  /** The bytes that the finding is about: from one up to, not including, another of this line. Null where it is not about this line. */
  readonly marked: { readonly from: number; readonly to: number } | null;
}

/** A line of source, as the debug information has it. */
export interface SourceLine {
  /** A path of the machine that compiled it, mostly relative to the top of the tree. A byte string. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1; absent where it is not known. */
  readonly column?: number;
}
