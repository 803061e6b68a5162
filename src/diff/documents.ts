/** What became of a function between the two objects. */
export type FunctionStatus = 'changed' | 'new' | 'removed' | 'line-only' | 'unchanged';

/** The first place where a function's two versions differ. */
export interface FirstDifference {
  /** Bytes from the function's start, in each version; `null` where that version has nothing there. */
  readonly origOffset: number | null;
  readonly patchedOffset: number | null;
  /** The instruction, or what else differs, as text; `null` where there is nothing. */
  readonly orig: string | null;
  readonly patched: string | null;
  /** `file:line` of the source, from debug data of the patched object, else of the original; `null` where there is none. */
  readonly source: string | null;
}

export interface FunctionReport {
  /** As the symbol table has it; that of the original where it has another name there. */
  readonly name: string;
  /** The object that it is in, as the pair was named: `common/domctl.o`. */
  readonly object: string;
  readonly status: FunctionStatus;
  /** Why, in words. */
  readonly reason: string;
  readonly firstDifference: FirstDifference | null;
}

/** Something that no payload of this form can carry. */
export interface Refusal {
  /** What is wrong, in words that a patch author understands, with the place. */
  readonly reason: string;
  /** The function, variable or structure that it is about; `null` where it is about the whole object. */
  readonly symbol: string | null;
  readonly object: string;
  /** The way out; `null` where there is none but another patch. */
  readonly advice: string | null;
}

/** Something worth knowing that keeps nothing from being built: `__init` code that is left out, a static that is gone. */
export interface Remark {
  readonly text: string;
  readonly symbol: string | null;
  readonly object: string;
}

export type DiffVerdict = 'built' | 'unchanged' | 'refused';

/** A file that was written. */
export interface WrittenPayload {
  readonly file: string;
  readonly bytes: number;
  /** Hex digits. */
  readonly sha256: string;
}

/** The hypervisor under whose rules a payload was verified. */
export interface VerifiedOn {
  readonly release: string;
  /** Hex digits; `null` where it has none. */
  readonly buildId: string | null;
}

/** What `xsplice diff --json` prints. */
export interface DiffDocument {
  readonly format: 'xsplice-diff/1';
  /** `built`: a payload, or without linking its object, carries everything that changed. */
  readonly verdict: DiffVerdict;
  /** How many objects were compared, and how many of these are the same, byte for byte: their functions are not listed. */
  readonly objects: { readonly compared: number; readonly identical: number };
  readonly functions: readonly FunctionReport[];
  readonly refusals: readonly Refusal[];
  readonly remarks: readonly Remark[];
  /** Where the linked payload went through the simulator and lint, and held; `null` where it did not, or was not linked. */
  readonly verified: VerifiedOn | null;
  /** `null` where nothing was written. */
  readonly payload: WrittenPayload | null;
  /** The payload with its debug information; `null` where it was not asked for, or there is none. */
  readonly debug: WrittenPayload | null;
}
