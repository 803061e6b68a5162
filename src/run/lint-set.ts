import type { LintedPayload } from '../lint/index.ts';

const idOf = ({ content }: LintedPayload): string | undefined => content.identity.buildId?.id;
const below = ({ content }: LintedPayload): string | undefined => content.identity.depends?.id;
const xenOf = ({ content }: LintedPayload): string | undefined => content.identity.xenDepends?.id;

/**
 * Returns the payloads of a folder that belong with one of them: those that name the same build of the hypervisor, and those that it depends on, each
 * after its dependency. A folder may hold payloads for many builds, and the order of file names means nothing.
 */
export function companionsInFolder(payload: LintedPayload, all: readonly LintedPayload[]): LintedPayload[] {
  const byId = new Map(all.filter((each) => idOf(each) !== undefined).map((each) => [idOf(each), each]));
  const wanted = new Set(all.filter((each) => xenOf(each) === xenOf(payload)));
  for (let at = byId.get(below(payload)); at !== undefined && !wanted.has(at); at = byId.get(below(at))) wanted.add(at);
  const ordered = new Set<LintedPayload>();
  for (const each of all) {
    if (!wanted.has(each)) continue;
    const chain = new Set<LintedPayload>();
    // Leave a cycle where it began: a rule reports it.
    for (let at: LintedPayload | undefined = each; at !== undefined && wanted.has(at) && !chain.has(at); ) {
      chain.add(at);
      at = byId.get(below(at));
    }
    for (const link of [...chain].reverse()) ordered.add(link);
  }
  return [...ordered];
}
