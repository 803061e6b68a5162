import type { HostIdentity } from '../documents/index.ts';
import { displayText, documentJson } from '../report/index.ts';
import { toByteString } from './byte-string.ts';
import { runAction } from './host-action.ts';
import { runInspect } from './host-inspect.ts';
import { runList } from './host-list.ts';
import { hostReport } from './host-report.ts';
import type { Outcome, Session, ToolHost } from './host-session.ts';
import { statusOf } from './host-session.ts';
import { runLoad, runUpload } from './host-upload.ts';
import { readWords, type Words } from './host-words.ts';
import type { CliIo } from './io.ts';

/** Opens the host. */
export interface HostSource {
  /** Minor version of the newest installed toolstack, whose grammar applies. */
  readonly minor: number;
  /** Opens the host, runs `work`, and closes it. Rejects with an XspliceError if this is not a Xen host. */
  readonly withHost: <T>(work: (host: ToolHost) => Promise<T>) => Promise<T>;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Limit of console lines shown. */
const CONSOLE_LINES = 200;

/**
 * Runs `xsplice host WORDS` and returns the exit status of `xen-livepatch`. Prints what that prints, byte for byte, except
 * for its help and for control characters, which are escaped. After a refusal, also prints the hypervisor's console lines as
 * `(XEN) …` and explanations as `xsplice: …`, on standard error.
 *
 * @param json true if `--json` came before the words.
 * @param help prints the help.
 */
export async function runHost(
  words: readonly string[],
  { json, help }: { readonly json: boolean; readonly help: () => void },
  io: Pick<CliIo, 'stdout' | 'stderr' | 'cwd'>,
  source: HostSource,
): Promise<number> {
  const read = readWords(words, source.minor);
  if (read.kind === 'help') {
    help();
    return read.status;
  }
  if (read.kind === 'unknown') {
    const word = displayText(toByteString(read.word));
    io.stderr(`Unrecognised command '${word}' -- try 'xen-livepatch help'\n`);
    if (read.word === '--force') io.stderr('xsplice: --force needs the tools of Xen 4.19 or newer\n');
    io.stderr('xsplice: see xsplice host --help\n');
    return 1;
  }
  return source.withHost((host) => runOn(host, read, json || read.json, io, source.sleep));
}

type Command = Extract<Words, { kind: 'command' }>;

async function runOn(
  host: ToolHost,
  read: Command,
  json: boolean,
  io: Pick<CliIo, 'stdout' | 'stderr' | 'cwd'>,
  sleep: HostSource['sleep'],
): Promise<number> {
  const output = { stdout: '', stderr: '' };
  const print = (stream: 'stdout' | 'stderr') => (text: string) => {
    if (json) output[stream] += text;
    else io[stream](text);
  };
  const session: Session = {
    host,
    out: print('stdout'),
    err: print('stderr'),
    sleep,
    cwd: io.cwd,
    advice: [],
    steps: [],
    payloads: null,
    dumped: null,
  };
  const identity = json || read.command === 'inspect' ? await host.identity() : { version: null, buildId: null };
  const outcome = await perform(session, read, identity);
  const console = json || outcome !== 0 ? (await host.target.takeConsole()).slice(-CONSOLE_LINES) : [];
  if (json) io.stdout(documentJson(hostReport(read.command, outcome, session, identity, output, console)));
  else {
    for (const line of console) io.stderr(`(XEN) ${displayText(line)}\n`);
    for (const line of session.advice) io.stderr(`xsplice: ${line}\n`);
  }
  return statusOf(outcome);
}

function perform(session: Session, { command, args, force }: Command, identity: HostIdentity): Promise<Outcome> {
  switch (command) {
    case 'list':
      return runList(session);
    case 'inspect':
      return runInspect(session, identity);
    case 'upload':
      return runUpload(session, args, force);
    case 'load':
      return runLoad(session, args, force);
    default:
      return runAction(session, command, args);
  }
}
