import { addOffset } from '../base/index.ts';
import type { FunctionDescription } from '../hypervisor/index.ts';
import type { Stage } from './stage.ts';
import { LONGEST_PATCH, verifyPatched, verifyText } from './verify.ts';

/** The hypervisor's own text as it is now; `null` where it is not all mapped. */
export const liveText = ({ target, text }: Stage): Promise<Uint8Array | null> =>
  target.peek(text.start, Number(text.end - text.start));

/**
 * What is wrong with the hypervisor's live code: it has to be patched where payloads are applied, and untouched elsewhere. A payload whose own hook
 * takes the place of patching may leave its functions as it likes, and while hooks may have changed code, nobody knows what it should be elsewhere.
 *
 * @param applied names of the payloads that are applied, the top last.
 * @param pristine the text before anything was applied; `null` where it is not known.
 */
export async function verifyLive(
  stage: Stage,
  applied: readonly string[],
  pristine: Uint8Array | null,
): Promise<string[]> {
  const { arch, target, text } = stage;
  const patched: FunctionDescription[] = [];
  let hooked = false;
  for (const name of applied) {
    const { hooks = [], functions = [] } = (await stage.describe(name)) ?? {};
    if (!hooks.includes('apply')) patched.push(...functions);
    hooked ||= hooks.includes('apply') || hooks.includes('load');
  }
  // Of several patches of one function the last one is seen.
  const visible = new Map(patched.map((func) => [func.oldAddr, func]));
  const wrong: (string | null)[] = [];
  for (const func of visible.values()) {
    const bytes = await target.peek(addOffset(func.oldAddr, func.patchOffset), Math.min(func.length, LONGEST_PATCH));
    wrong.push(verifyPatched(arch, func, { bytes, executable: stage.executable(func.newAddr) }));
  }
  const now = await liveText(stage);
  if (pristine !== null && now !== null && !hooked) {
    wrong.push(verifyText(text.start, pristine, now, patched, (address) => stage.nameAt(address)));
  }
  return wrong.filter((problem) => problem !== null);
}
