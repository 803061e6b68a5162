import type { LintContext, LintedPayload } from './context.ts';

/** Returns the other payloads of the set that may be on the same host: those that do not name another hypervisor. */
export function companions({ payload, set }: LintContext): LintedPayload[] {
  const mine = payload.content.identity.xenDepends?.id;
  return set.filter((other) => {
    const theirs = other.content.identity.xenDepends?.id;
    return other !== payload && (mine === undefined || theirs === undefined || mine === theirs);
  });
}

/** Returns the payload of the set with this build-id, other than `except`. */
export const withBuildId = (
  set: readonly LintedPayload[],
  id: string | undefined,
  except: LintedPayload,
): LintedPayload | undefined =>
  id === undefined ? undefined : set.find((each) => each !== except && each.content.identity.buildId?.id === id);

/** Returns the payloads that must be applied before this one, nearest first. Stops at a cycle. */
export function chainBelow({ payload, set }: LintContext): LintedPayload[] {
  const chain: LintedPayload[] = [];
  for (let at: LintedPayload | undefined = payload; at !== undefined; ) {
    const next: LintedPayload | undefined = withBuildId(set, at.content.identity.depends?.id, at);
    if (next === undefined || next === payload || chain.includes(next)) break;
    chain.push(next);
    at = next;
  }
  return chain;
}
