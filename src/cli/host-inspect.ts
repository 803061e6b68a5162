import type { HostIdentity } from '../documents/index.ts';
import { displayText } from '../report/index.ts';
import { runList } from './host-list.ts';
import type { Outcome, Session } from './host-session.ts';

/** Wait for the key's output on a busy hypervisor. Normally it is in the ring when the call returns. */
const DUMP_MS = 60;

/** The first line that the key prints. Source: xen/common/livepatch.c, livepatch_printall. */
const DUMP_START = /'x' pressed/;

/** Returns what the console key `x` prints; `null` if the hypervisor does not let us press it or read the console. */
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

/** Runs `inspect`, which `xen-livepatch` does not have: prints version, build-id, payloads and the output of console key `x`. */
export async function runInspect(session: Session, identity: HostIdentity): Promise<Outcome> {
  const { version, buildId } = identity;
  session.out(`Xen       ${version === null ? 'unknown version' : displayText(version)}\n`);
  session.out(`build-id  ${buildId ?? 'none'}\n\n`);
  const listed = await runList(session);
  if (listed !== 0) return listed;
  session.dumped = await dumped(session);
  if (session.dumped !== null) session.out(`\n${session.dumped.map((line) => `${displayText(line)}\n`).join('')}`);
  return 0;
}
