import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { displayText } from '../report/index.ts';
import { ERRNO } from '../xen/index.ts';
import { toByteString } from './byte-string.ts';
import { PAYLOAD_CAP } from './files.ts';
import { nameOf, runAction } from './host-action.ts';
import type { Outcome, Session } from './host-session.ts';
import { errorLine, recordStep, reportErrno, STATE } from './host-session.ts';

/** LIVEPATCH_FLAG_FORCE. Source: xen/include/public/sysctl.h. */
const FORCE = 1;

/** Errno of mmap(2) for a directory. Linux's number. */
const ENODEV = 19;

type Read =
  | { readonly bytes: Uint8Array }
  | { readonly failed: 'open' | 'get size of' | 'map'; readonly errno: number };

const errnoOf = (error: unknown): number => Math.abs((error as NodeJS.ErrnoException).errno ?? ERRNO.EINVAL);

/** Reads a file. Returns the errno with which `open`, `stat` or `mmap` would fail; ENOMEM for a file above PAYLOAD_CAP. */
function readFile(path: string, cwd: string): Read {
  let descriptor: number;
  try {
    if (path === '') return { failed: 'open', errno: ERRNO.ENOENT };
    // Opening a FIFO must not wait for a writer.
    descriptor = openSync(resolve(cwd, path), constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return { failed: 'open', errno: errnoOf(error) };
  }
  let failed: 'get size of' | 'map' = 'get size of';
  try {
    const stat = fstatSync(descriptor);
    failed = 'map';
    if (stat.isDirectory()) return { failed, errno: ENODEV };
    if (stat.size === 0) return { failed, errno: ERRNO.EINVAL };
    if (stat.size > PAYLOAD_CAP) return { failed, errno: ERRNO.ENOMEM };
    const bytes = new Uint8Array(stat.size);
    for (let at = 0; at < bytes.length; ) {
      const got = readSync(descriptor, bytes, at, bytes.length - at, at);
      if (got === 0) return { bytes: bytes.subarray(0, at) };
      at += got;
    }
    return { bytes };
  } catch (error) {
    return { failed, errno: errnoOf(error) };
  } finally {
    closeSync(descriptor);
  }
}

/** Runs `upload NAME FILE`. Source: xen-livepatch.c, upload_func. */
export async function runUpload(
  session: Session,
  [word = '', file = '']: readonly string[],
  force: boolean,
): Promise<Outcome> {
  const name = nameOf(session, word);
  if (name === undefined) return ERRNO.EINVAL;
  const shown = displayText(toByteString(file));
  const read = readFile(file, session.cwd);
  if ('failed' in read) {
    session.err(`Could not ${read.failed} ${shown}.\n${errorLine(read.errno)}`);
    recordStep(session, 'upload', name, null, null);
    return read.errno;
  }
  session.out(`Uploading ${shown}... `);
  const { rc } = await session.host.target.upload(name, read.bytes, force ? FORCE : 0);
  recordStep(session, 'upload', name, rc, rc === 0 ? STATE.CHECKED : null);
  if (rc === 0) {
    session.out('completed\n');
    return 0;
  }
  session.out('failed\n');
  reportErrno(session, -rc);
  return -rc;
}

/** Runs `load FILE [--nodeps]`: uploads and applies, and unloads if applying fails. Source: xen-livepatch.c, load_func. */
export async function runLoad(
  session: Session,
  [file = '', ...flags]: readonly string[],
  force: boolean,
): Promise<Outcome> {
  const base = basename(file);
  const dot = base.lastIndexOf('.');
  const name = dot < 0 ? base : base.slice(0, dot);
  const uploaded = await runUpload(session, [name, file], force);
  if (uploaded !== 0) return uploaded;
  const applied = await runAction(session, 'apply', [name, ...flags]);
  if (applied !== 0) await runAction(session, 'unload', [name]);
  return applied;
}
