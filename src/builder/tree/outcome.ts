/** Result for one object. */
export type Outcome =
  /** The change does not affect it. */
  | { readonly kind: 'same' }
  | { readonly kind: 'pair'; readonly orig: Uint8Array | null; readonly patched: Uint8Array | null }
  | {
      readonly kind: 'problem';
      readonly reason: string;
      readonly advice: string | null;
      /** Does it differ from the build's object? Then others will too. */
      readonly mismatch: boolean;
    };

/** Files that an object was compiled from, before and after, from the top of the tree. */
export interface FilesRead {
  readonly before: readonly string[];
  readonly after: readonly string[];
}
