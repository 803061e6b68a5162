/** What is known about the embedded examples: miniature hypervisors and payloads for them. Data is in `manifest.json`. */

/** The architectures that there are examples for. */
export type ExampleArch = 'x86_64' | 'arm64' | 'arm32';

/** What Xen 4.18.1, the miniature hypervisor's own release, does with a payload. */
export type ExpectedVerdict =
  | {
      readonly verdict: 'accepted';
      /** Rules of the warnings that a check gives all the same. */
      readonly warnings?: readonly string[];
    }
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
  /**
   * `hello`, or `arm64/hello`: in front of the `/` is the architecture, of all but x86-64. The rest is the name that it is
   * uploaded under, and its file's base name.
   */
  readonly name: string;
  readonly arch: ExampleArch;
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

/** A miniature hypervisor. */
export interface ExampleImage {
  /** `miniature-xen`, or `arm64/miniature-xen`. */
  readonly name: string;
  readonly arch: ExampleArch;
  /** Under `examples/`. */
  readonly file: string;
  readonly release: string;
  /** Bytes. */
  readonly size: number;
  /** Hex digits. */
  readonly buildId: string;
  /** First lines of `--version`: these tools gave the committed bytes of this architecture; others give equivalent ones. */
  readonly tools: { readonly gcc: string; readonly ld: string };
}

/** `manifest.json`. */
export interface ExampleManifest {
  readonly format: 'xsplice-examples/2';
  readonly images: readonly ExampleImage[];
  readonly payloads: readonly BuiltPayload[];
}
