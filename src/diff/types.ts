import type { Disassembler } from '../arch/index.ts';
import type { Finding } from '../base/index.ts';
import type { DiffVerdict, FunctionReport } from '../documents/index.ts';
import type { Inflate } from '../dwarf/index.ts';

/** An object as it was compiled before the change of the source, and after it. */
export interface ObjectPair {
  /** Its path from the top of the tree, as it is told to people: `common/domctl.o`. */
  readonly object: string;
  /** `null` for a file that is new. */
  readonly orig: Uint8Array | null;
  /** `null` for a file that is gone. */
  readonly patched: Uint8Array | null;
}

export interface DiffOptions {
  /** For instruction lengths and for the text of first differences. */
  readonly disassembler: Disassembler;
  /** Unpacks compressed debug sections. A port: this room has no decompression. */
  readonly inflate?: Inflate;
  /** What the payload is called. It goes into names of what is new and static, so that a payload and its successor can be loaded at once. */
  readonly name?: string;
  /** Are objects with debug data wanted, too? */
  readonly debugData?: boolean;
  /** Structures whose changed layout the user answers for, by their tags. */
  readonly allowedLayouts?: readonly string[];
  /**
   * For objects in which each line of source that stays has its old number: the numbers of lines that do not stay, by the path of the source. Without
   * it, lines say nothing about which static variable is which.
   */
  readonly goneLines?: ReadonlyMap<string, ReadonlySet<number>>;
  /** Which static variable is which, where the user has said it. */
  readonly statics?: readonly StaticChoice[];
}

/** A static variable of the patched object, by its symbol, and what it was in the original: the symbol there, or null for a new one. */
export interface StaticChoice {
  /** The source that both are from, as `common/timer.c`; null for any. */
  readonly file: string | null;
  readonly after: string;
  readonly before: string | null;
}

/** A relocatable object, to be linked into the payload. */
export interface PayloadObject {
  /** The pair that it is from. */
  readonly object: string;
  readonly bytes: Uint8Array;
  /** The same with debug data, for a file beside the payload; `null` where there is none, or where it was not asked for. */
  readonly debug: Uint8Array | null;
}

/** What {@link DiffOptions} and pairs give. */
export interface PairsDiff {
  readonly verdict: DiffVerdict;
  readonly functions: readonly FunctionReport[];
  readonly refusals: readonly Finding[];
  readonly remarks: readonly Finding[];
  /** One for each pair that has something in the payload, in the order of the pairs; empty unless the verdict is `built`. */
  readonly objects: readonly PayloadObject[];
}
