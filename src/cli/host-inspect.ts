import type { HostIdentity } from '../documents/index.ts';
import { displayText } from '../report/index.ts';
import { runList } from './host-list.ts';
import type { Outcome, Session } from './host-session.ts';

/** The key's output is in the ring when the call returns, but for a busy hypervisor. */
const DUMP_MS = 60;

/** What the key prints first. Source: xen/common/livepatch.c, livepatch_printall. */
const DUMP_START = /'x' pressed/;

/** What the console key `x` prints, as far as we may press it and read it; `null` where not. */
async function dumped({ host, sleep }: Session): Promise<readonly string[] | null> {
  const { rc } = await host.dump();
  if (rc !== 0) return null;
  const lines = [...(await host.target.takeConsole())];
  if (lines.length === 0) {
    await sleep(DUMP_MS);
    lines.push(...(await host.target.takeConsole()));
  }
  const start = lines.findIndex((line) => DUMP_START.test(line));
  return start < 0 ? null : lines.slice(start);
}

/** `inspect`, which `xen-livepatch` does not have: what runs, and what is loaded into it. */
export async function runInspect(session: Session, identity: HostIdentity): Promise<Outcome> {
  const { version, buildId } = identity;
  session.out(`Xen       ${version === null ? 'of unknown version' : displayText(version)}\n`);
  session.out(`build-id  ${buildId ?? 'none'}\n\n`);
  const listed = await runList(session);
  if (listed !== 0) return listed;
  session.dumped = await dumped(session);
  if (session.dumped !== null) session.out(`\n${session.dumped.map((line) => `${displayText(line)}\n`).join('')}`);
  return 0;
}
