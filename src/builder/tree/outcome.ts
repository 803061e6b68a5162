/** What became of one object. */
export type Outcome =
  /** The change changes nothing in it. */
  | { readonly kind: 'same' }
  | { readonly kind: 'pair'; readonly orig: Uint8Array | null; readonly patched: Uint8Array | null }
  | {
      readonly kind: 'problem';
      readonly reason: string;
      readonly advice: string | null;
      /** Was it compiled, and is not what the build has? Then other objects will not be either. */
      readonly mismatch: boolean;
    };

/** Files that an object was compiled from, before and after, from the top of the tree. */
export interface FilesRead {
  readonly before: readonly string[];
  readonly after: readonly string[];
}
