import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { XspliceError } from '../base/index.ts';
import type { DiffVerdict, WrittenPayload } from '../documents/index.ts';
import { fileError } from './files.ts';
import { isFolder } from './folder.ts';
import { outputFile } from './output-file.ts';

/** Where the user wants what is built. */
export interface OutputPlan {
  /** A file, or for several bases a folder; nothing is written without it. */
  readonly out?: string;
  /** For a single base: where the payload with its debug information goes. */
  readonly debugFile?: string;
}

/** The files of a payload. */
export type WrittenFiles = Readonly<Record<'payload' | 'debug', WrittenPayload | null>>;

/** Where payloads go. */
export interface Outputs {
  /** Is there a folder for each hypervisor? */
  readonly several: boolean;
  /** Is the payload with its debug information written, too? */
  readonly debug: boolean;
  /** Writes what was built for the hypervisor of that build-id; where nothing was built, takes away what is left of an earlier run. */
  write(id: string | null, verdict: DiffVerdict, bytes: Uint8Array | null, debug: Uint8Array | null): WrittenFiles;
}

interface Paths {
  readonly payload: string | undefined;
  readonly debug: string | undefined;
}

/** Looks at where things go before anything is built. Throws an XspliceError (EUSAGE, EFILE) where nothing can be written there. */
export function outputsOf(
  { out, debugFile, inputs }: OutputPlan & { readonly inputs: readonly string[] },
  name: string,
  several: boolean,
  cwd: string,
): Outputs {
  if (several) return folderOutputs(out, debugFile, name, cwd, inputs);
  if (out !== undefined && debugFile !== undefined && resolve(cwd, out) === resolve(cwd, debugFile)) {
    throw new XspliceError('EUSAGE', `${out} cannot be the payload and its debug information`, 'name two files');
  }
  const paths = { payload: out, debug: debugFile };
  for (const path of [out, debugFile]) if (path !== undefined) outputFile(path, cwd, inputs);
  return {
    several,
    debug: debugFile !== undefined,
    write: (_, verdict, bytes, debug) => writeFiles(paths, cwd, inputs, verdict, bytes, debug),
  };
}

/** `OUT/<build-id>/<name>.livepatch`, as hosts look for what is theirs, and the debug information beside it. */
function folderOutputs(
  out: string | undefined,
  debugFile: string | undefined,
  name: string,
  cwd: string,
  inputs: readonly string[],
): Outputs {
  if (debugFile !== undefined) {
    const hint = 'remove it: with several bases, the debug information is written beside each payload';
    throw new XspliceError('EUSAGE', '--debug-file works with a single base only', hint);
  }
  if (out !== undefined) makeFolder(out, cwd);
  return {
    several: true,
    debug: out !== undefined,
    write: (id, verdict, bytes, debug) => {
      // One without a build-id depends on nothing that a host could look for.
      if (out === undefined || id === null) return { payload: null, debug: null };
      const payload = join(out, id, `${name}.livepatch`);
      if (verdict === 'built') makeFolder(dirname(payload), cwd);
      else if (!isFolder(dirname(payload), cwd)) return { payload: null, debug: null };
      return writeFiles({ payload, debug: join(out, id, `${name}.debug`) }, cwd, inputs, verdict, bytes, debug);
    },
  };
}

function makeFolder(path: string, cwd: string): void {
  try {
    mkdirSync(resolve(cwd, path), { recursive: true });
  } catch (error) {
    throw fileError(path, error);
  }
}

function writeFiles(
  paths: Paths,
  cwd: string,
  inputs: readonly string[],
  verdict: DiffVerdict,
  bytes: Uint8Array | null,
  debug: Uint8Array | null,
): WrittenFiles {
  const one = (path: string | undefined, contents: Uint8Array | null): WrittenPayload | null => {
    if (path === undefined) return null;
    const file = outputFile(path, cwd, inputs);
    if (verdict === 'built' && contents !== null) return file.write(contents);
    // What is there after this run is what this run has made.
    file.remove();
    return null;
  };
  return { payload: one(paths.payload, bytes), debug: one(paths.debug, debug) };
}
