import type { Draft } from './draft.ts';

/** A way to change a payload. */
export interface MutationRule {
  readonly name: string;
  /** Changes the draft and says how, in words; `undefined` where this payload has nothing of the kind, or nothing came of it. */
  readonly mutate: (draft: Draft) => string | undefined;
}

/** Puts what was changed in front of how. */
export const described = (what: string, how: string | undefined): string | undefined =>
  how === undefined ? undefined : `${what} ${how}`;
