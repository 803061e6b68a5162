import type { z } from 'zod';
import type { XspliceError } from '../../base/index.ts';
import { entryOf, kindText, nodeAt, plainValue, type ScriptNode, scriptError } from './node.ts';

/** Separates a message from its hint in the schemas' messages. */
export const HINT = '\n';

/**
 * Parses a part of a scenario file by its schema. `what` names the part in messages, as in `apply`. Throws an XspliceError (EFILE) with the place of
 * the first problem.
 */
export function checkValue<S extends z.ZodType>(schema: S, node: ScriptNode, what: string): z.output<S> {
  const result = schema.safeParse(plainValue(node));
  if (result.success) return result.data;
  throw problemOf(result.error.issues[0], node, what);
}

function problemOf(issue: z.core.$ZodIssue | undefined, node: ScriptNode, what: string): XspliceError {
  const path = issue?.path ?? [];
  const at = nodeAt(node, path);
  const [message = 'is wrong', hint] = (issue?.message ?? 'is wrong').split(HINT);
  const key = path.findLast((step) => typeof step === 'string') ?? what;
  const last = path[path.length - 1];
  if (issue?.code === 'unrecognized_keys') {
    const place = entryOf(at, issue.keys[0] ?? '')?.keyPlace;
    return scriptError(place ?? at.place, message, hint);
  }
  const missing = path.length > 0 && plainValue(at) !== undefined && isMissing(node, path);
  const name = typeof last === 'number' ? `${String(key)}, entry ${last + 1}` : String(key);
  return scriptError(at.place, `${name} ${message}${missing ? '' : `; it is ${kindText(at)}`}`, hint);
}

/** Is the value absent from the file? */
function isMissing(node: ScriptNode, path: readonly PropertyKey[]): boolean {
  const parent = nodeAt(node, path.slice(0, -1));
  return parent.kind === 'map' && entryOf(parent, String(path[path.length - 1])) === undefined;
}
