import type { ObjectCommand } from './object-command.ts';

/** An object that a change may affect. */
export interface AffectedObject {
  readonly command: ObjectCommand;
  /** Is it in the hypervisor before and after the change? */
  readonly before: boolean;
  readonly after: boolean;
  /** Did its own source change, and not only an included file? */
  readonly ownSource: boolean;
}
