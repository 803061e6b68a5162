/** What is known about the embedded examples: a miniature hypervisor and payloads for it. Data is in `manifest.ts`. */

/** What Xen 4.18.1, the miniature hypervisor's own release, does with a payload. */
export type ExpectedVerdict =
  | { readonly verdict: 'accepted' }
  | {
      readonly verdict: 'refused';
      /** Where it is refused; what comes before goes well. */
      readonly action: 'upload' | 'apply';
      /** Xen's name of the errno: `EINVAL`. */
      readonly errno: string;
      /** The error lines on the console, without `(XEN) `; none where Xen says nothing. */
      readonly console: readonly string[];
    };

/** One example payload. */
export interface ExamplePayload {
  /** Also the name it is uploaded under, and its file's base name. */
  readonly name: string;
  /** A short sentence: what the payload is. */
  readonly title: string;
  /** What can be learnt from it. */
  readonly shows: string;
  /** What `.livepatch.depends` names: the hypervisor, another example, or nothing where it is missing. */
  readonly depends: string | null;
  readonly expected: ExpectedVerdict;
  /** Does Xen 4.18.1 apply it again after a revert? `null` where it is never applied. */
  readonly reappliable: boolean | null;
}

/** An example payload with its file. */
export interface BuiltPayload extends ExamplePayload {
  /** Under `examples/`. */
  readonly file: string;
  /** What it is made from, under `examples/`. */
  readonly sources: readonly string[];
  /** Bytes. */
  readonly size: number;
  /** Hex digits of `.note.gnu.build-id`; `null` in files that are not ELF any more. */
  readonly buildId: string | null;
}

/** `examples/manifest.json`. */
export interface ExampleManifest {
  readonly format: 'xsplice-examples/1';
  /** First lines of `--version`: these tools gave the committed bytes; others give equivalent ones. */
  readonly tools: { readonly gcc: string; readonly ld: string };
  readonly image: {
    readonly name: string;
    readonly file: string;
    readonly release: string;
    readonly size: number;
    readonly buildId: string;
  };
  readonly payloads: readonly BuiltPayload[];
}
