import { viewOf } from '../../base/index.ts';

/** Bytes of a displacement. */
const FIELD = 4;
/** Bytes of the immediate that may stand behind it, which the displacement counts from, too. Source: Intel SDM volume 2, 2.2.1.6. */
const IMMEDIATES = [0, 1, 2, 4] as const;

/** Every place that four bytes of the code would lead to as the displacement of a branch or of a memory operand. Only few of them are one. */
export function* operands(code: Uint8Array): Generator<number, void, void> {
  const view = viewOf(code);
  for (let at = 1; at + FIELD <= code.length; at++) {
    const target = at + FIELD + view.getInt32(at, true);
    for (const immediate of IMMEDIATES) yield target + immediate;
  }
}
