import type { Place } from '../base/index.ts';

/** Why bytes are not what they should be. Made by every reader of this room and those above; never thrown. */
export interface ElfProblem {
  readonly kind: 'problem';
  /** One sentence, without the place. */
  readonly message: string;
  readonly where: Place;
}

/** A problem at a place; offsets are bytes from the start of the file unless a section is named. */
export const problem = (message: string, where: Place = {}): ElfProblem => ({ kind: 'problem', message, where });

/** Did a reader refuse its bytes? */
export const isProblem = (result: object): result is ElfProblem => 'kind' in result && result.kind === 'problem';
