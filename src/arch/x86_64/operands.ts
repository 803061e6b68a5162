import { viewOf } from '../../base/index.ts';

/** Size of a displacement, in bytes. */
const FIELD = 4;
/** Possible sizes of an immediate after it, in bytes; the displacement counts from its end. Source: Intel SDM volume 2, 2.2.1.6. */
const IMMEDIATES = [0, 1, 2, 4] as const;

/** Returns the target of every four bytes as if they were the displacement of a branch or memory operand. Few of them are. */
export function* operands(code: Uint8Array): Generator<number, void, void> {
  const view = viewOf(code);
  for (let at = 1; at + FIELD <= code.length; at++) {
    const target = at + FIELD + view.getInt32(at, true);
    for (const immediate of IMMEDIATES) yield target + immediate;
  }
}
