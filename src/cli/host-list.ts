import type { HostPayload } from '../documents/index.ts';
import { displayText } from '../report/index.ts';
import { ERRNO, errnoName, type ListEntry } from '../xen/index.ts';
import type { Outcome, Session } from './host-session.ts';
import { reportErrno, stateName } from './host-session.ts';
import { strerror } from './host-strerror.ts';
import { TOOL_SINCE } from './host-words.ts';

/** Entries per call in `xen-livepatch` up to 4.13. */
const PAGE = 11;

/** Attempts at a consistent list: payloads may come and go meanwhile. */
const ATTEMPTS = 4;

const HEAD = ' ID                                     | status';
const RULE = '----------------------------------------+------------';

/** Formats like `%-40s`, which counts bytes. */
const column = (name: string): string => displayText(name) + ' '.repeat(Math.max(0, 40 - name.length));

const failure = ({ rc }: ListEntry): string => (rc === 0 ? '' : ` (${-rc}, ${strerror(-rc)})`);

/** Formats metadata: an inner NUL becomes a semicolon, a final NUL is dropped. */
function metadataText(metadata: Uint8Array): string {
  const last = metadata.length - 1;
  const text = [...metadata].map((byte, i) => (byte === 0 && i < last ? ';' : String.fromCharCode(byte))).join('');
  return displayText(text.replace(/\0$/, ''));
}

/** Splits metadata into its strings. */
const metadataStrings = (metadata: Uint8Array): string[] =>
  [...metadata]
    .map((byte) => String.fromCharCode(byte))
    .join('')
    .split('\0')
    .filter((text) => text !== '');

const described = (entry: ListEntry): HostPayload => ({
  name: entry.name,
  state: stateName(entry.state),
  rc: entry.rc,
  errno: errnoName(entry.rc),
  metadata: metadataStrings(entry.metadata),
});

/** Runs `list`. Source: xen-livepatch.c, list_func. */
export const runList = (session: Session): Promise<Outcome> =>
  session.host.minor >= TOOL_SINCE.flags ? listWithMetadata(session) : listInPages(session);

async function listWithMetadata(session: Session): Promise<Outcome> {
  const { target } = session.host;
  for (let attempt = 1; ; attempt++) {
    const sizes = await target.list({ idx: 0, nr: 0 });
    if (sizes.rc < 0) {
      session.err('Failed to get list sizes.\n');
      reportErrno(session, -sizes.rc);
      return -sizes.rc;
    }
    const { nr, nameTotalSize, metadataTotalSize } = sizes;
    if (nr === 0) {
      session.payloads = [];
      session.out('Nothing to list\n');
      return 0;
    }
    const list = await target.list({ idx: 0, nr, nameTotalSize, metadataTotalSize });
    const changed = list.rc >= 0 && (list.entries.length !== nr || list.nr > 0);
    if (list.rc >= 0 && !changed) {
      session.payloads = list.entries.map(described);
      session.out(`${HEAD}     | metadata\n${RULE}+---------------\n${list.entries.map(row).join('')}`);
      return 0;
    }
    if (changed && attempt < ATTEMPTS) continue;
    const errno = changed ? ERRNO.EBUSY : -list.rc;
    session.err(`Failed to list ${list.nr}/${nr}.\n`);
    reportErrno(session, errno);
    return errno;
  }
}

const row = (entry: ListEntry): string =>
  `${column(entry.name)}| ${stateName(entry.state)}${failure(entry)}    | ${metadataText(entry.metadata)}\n`;

async function listInPages(session: Session): Promise<Outcome> {
  const entries: ListEntry[] = [];
  let left = 0;
  do {
    const list = await session.host.target.list({ idx: entries.length, nr: PAGE });
    if (list.rc < 0) {
      session.err(`Failed to list ${entries.length}/${left}.\n`);
      reportErrno(session, -list.rc);
      return -list.rc;
    }
    if (entries.length === 0) session.out(`${HEAD}\n${RULE}\n`);
    for (const entry of list.entries)
      session.out(`${column(entry.name)}| ${stateName(entry.state)}${failure(entry)}\n`);
    entries.push(...list.entries);
    // An empty page would repeat forever.
    left = list.entries.length === 0 ? 0 : list.nr;
  } while (left > 0);
  session.payloads = entries.map(described);
  return 0;
}
