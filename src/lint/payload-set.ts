import type { LintContext, LintedPayload } from './context.ts';

/** Payloads of the set that may be on a host together with this one: not those that name another hypervisor. */
export function companions({ payload, set }: LintContext): LintedPayload[] {
  const mine = payload.content.identity.xenDepends?.id;
  return set.filter((other) => {
    const theirs = other.content.identity.xenDepends?.id;
    return other !== payload && (mine === undefined || theirs === undefined || mine === theirs);
  });
}

/** The payload of the set with that build-id, which is not `but`. */
export const withBuildId = (
  set: readonly LintedPayload[],
  id: string | undefined,
  but: LintedPayload,
): LintedPayload | undefined =>
  id === undefined ? undefined : set.find((each) => each !== but && each.content.identity.buildId?.id === id);

/** Those that have to be applied before this one, nearest first; it ends where one comes again. */
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
