import { addOffset } from '../base/index.ts';
import type { FunctionDescription } from '../hypervisor/index.ts';
import type { Stage } from './stage.ts';
import { LONGEST_PATCH, verifyPatched, verifyRestored, verifyText } from './verify.ts';

/** Returns the hypervisor's text as it is now; `null` where it is not all mapped. */
const liveText = ({ target, image: { core } }: Stage): Promise<Uint8Array | null> =>
  target.peek(core.textStart, Number(core.textEnd - core.textStart));

/** Records the hypervisor's text and digest, for later verifications to compare with. */
export async function takeBaseline(stage: Stage): Promise<void> {
  stage.history.baseline = { text: await liveText(stage), digest: stage.digest() };
}

/** Records the bytes at the functions of a payload that is not applied yet. */
export async function rememberFunctions(
  { target, history }: Stage,
  name: string,
  functions: readonly FunctionDescription[],
): Promise<void> {
  const before: (Uint8Array | null)[] = [];
  for (const { oldAddr } of functions) before.push(await target.peek(oldAddr, LONGEST_PATCH));
  history.before.set(name, before);
}

/** Verifies the live code, or only the functions of one payload. Returns the problems, in words. */
export const verifyStage = (stage: Stage, name: string | undefined): Promise<string[]> =>
  name === undefined ? verifyAll(stage) : verifyPayload(stage, name);

/**
 * Functions of applied payloads must be patched, and all other text must be unchanged. A payload with an apply hook patches its functions itself, so
 * they are not compared; and while a hook may have changed code, the other text is not compared either. Once nothing is loaded, all memory must be
 * as it was.
 */
async function verifyAll(stage: Stage): Promise<string[]> {
  const { history, image } = stage;
  const patched: FunctionDescription[] = [];
  let hooked = false;
  for (const name of history.applied) {
    const { hooks = [], functions = [] } = (await stage.describe(name)) ?? {};
    if (!hooks.includes('apply')) patched.push(...functions);
    hooked ||= hooks.includes('apply') || hooks.includes('load');
  }
  // If several payloads patch a function, only the last patch is visible.
  const visible = new Map(patched.map((func) => [func.oldAddr, func]));
  const problems: (string | null)[] = [];
  for (const func of visible.values()) problems.push(await patchedProblem(stage, func));
  const now = await liveText(stage);
  const { baseline } = history;
  const before = baseline?.text ?? null;
  if (before !== null && now !== null && !hooked) {
    problems.push(verifyText(image.core.textStart, before, now, patched, (address) => stage.nameAt(address)));
  }
  const found = problems.filter((problem) => problem !== null);
  if (found.length === 0 && baseline !== null && !history.loaded && stage.digest() !== baseline.digest) {
    found.push('memory, or its mapping, is not what it was before the first step');
  }
  return found;
}

/** Functions of an applied payload must be patched; otherwise they must be as they were before it was applied. */
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

async function patchedProblem(
  { image: { arch }, target, executable }: Stage,
  func: FunctionDescription,
): Promise<string | null> {
  const { oldAddr, newAddr, patchOffset, length } = func;
  const bytes = await target.peek(addOffset(oldAddr, patchOffset), Math.min(length, LONGEST_PATCH));
  return verifyPatched(arch, func, { bytes, executable: executable(newAddr) });
}
