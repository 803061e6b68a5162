import type { ObjectCommand } from './object-command.ts';

/** An object that a change may change. */
export interface AffectedObject {
  readonly command: ObjectCommand;
  /** Is it in the hypervisor before the change, and after it? */
  readonly before: boolean;
  readonly after: boolean;
  /** Did its own source change, not only what that includes? */
  readonly ownSource: boolean;
}
