import { addOffset } from '../base/index.ts';
import type { FunctionDescription } from '../hypervisor/index.ts';
import type { Stage } from './stage.ts';
import { LONGEST_PATCH, verifyPatched, verifyRestored, verifyText } from './verify.ts';

/** Returns the hypervisor's text as it is now; `null` where it is not all mapped. */
const liveText = ({ target, text }: Stage): Promise<Uint8Array | null> =>
  target.peek(text.start, Number(text.end - text.start));

/** Keeps the hypervisor as it is now, for later verifications to compare with. */
export async function takeBaseline(stage: Stage): Promise<void> {
  stage.history.baseline = { text: await liveText(stage), digest: stage.digest() };
}

/** Keeps the bytes at the functions of a payload that is not applied yet. */
export async function rememberFunctions(
  { target, history }: Stage,
  name: string,
  functions: readonly FunctionDescription[],
): Promise<void> {
  const before: (Uint8Array | null)[] = [];
  for (const { oldAddr } of functions) before.push(await target.peek(oldAddr, LONGEST_PATCH));
  history.before.set(name, before);
}

/** Returns what is wrong with the live code, or with the functions of one payload alone. */
export const verifyStage = (stage: Stage, name: string | undefined): Promise<string[]> =>
  name === undefined ? verifyAll(stage) : verifyPayload(stage, name);

/**
 * The code has to be patched where payloads are applied, and untouched elsewhere. A payload whose own hook takes the place of patching may leave
 * its functions as it likes, and while hooks may have changed code, nobody knows what it should be elsewhere. Once nothing is
 * loaded any more, all memory has to be what it was.
 */
async function verifyAll(stage: Stage): Promise<string[]> {
  const { history, text } = stage;
  const patched: FunctionDescription[] = [];
  let hooked = false;
  for (const name of history.applied) {
    const { hooks = [], functions = [] } = (await stage.describe(name)) ?? {};
    if (!hooks.includes('apply')) patched.push(...functions);
    hooked ||= hooks.includes('apply') || hooks.includes('load');
  }
  // Of several patches of one function only the last is visible.
  const visible = new Map(patched.map((func) => [func.oldAddr, func]));
  const problems: (string | null)[] = [];
  for (const func of visible.values()) problems.push(await patchedProblem(stage, func));
  const now = await liveText(stage);
  const { baseline } = history;
  const before = baseline?.text ?? null;
  if (before !== null && now !== null && !hooked) {
    problems.push(verifyText(text.start, before, now, patched, (address) => stage.nameAt(address)));
  }
  const found = problems.filter((problem) => problem !== null);
  if (found.length === 0 && baseline !== null && !history.loaded && stage.digest() !== baseline.digest) {
    found.push('memory, or its mapping, is not what it was before the first step');
  }
  return found;
}

/** The functions of an applied payload have to be patched, those of any other as they were before it was applied. */
async function verifyPayload(stage: Stage, name: string): Promise<string[]> {
  const functions = (await stage.describe(name))?.functions ?? [];
  const applied = stage.history.applied.includes(name);
  const before = stage.history.before.get(name) ?? [];
  const problems: (string | null)[] = [];
  for (const [i, func] of functions.entries()) {
    const { oldAddr } = func;
    problems.push(
      applied
        ? await patchedProblem(stage, func)
        : verifyRestored(oldAddr, before[i] ?? null, await stage.target.peek(oldAddr, LONGEST_PATCH)),
    );
  }
  return problems.filter((problem) => problem !== null);
}

async function patchedProblem({ arch, target, executable }: Stage, func: FunctionDescription): Promise<string | null> {
  const { oldAddr, newAddr, patchOffset, length } = func;
  const bytes = await target.peek(addOffset(oldAddr, patchOffset), Math.min(length, LONGEST_PATCH));
  return verifyPatched(arch, func, { bytes, executable: executable(newAddr) });
}
