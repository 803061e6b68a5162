import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { XspliceError } from '../base/index.ts';
import type { DiffVerdict, WrittenPayload } from '../documents/index.ts';
import { fileError } from './files.ts';
import { isFolder } from './folder.ts';
import { outputFile } from './output-file.ts';

/** Where to write payloads. */
export interface OutputPlan {
  /** A file; for several bases a folder. Without it, nothing is written. */
  readonly out?: string;
  /** For a single base: the file for the payload with debug information. */
  readonly debugFile?: string;
}

/** The files written for a payload. */
export type WrittenFiles = Readonly<Record<'payload' | 'debug', WrittenPayload | null>>;

/** Writes payloads, and removes those of an earlier run. */
export interface Outputs {
  /** True if each hypervisor has its own folder. */
  readonly several: boolean;
  /** True if the payload with debug information is written too. */
  readonly debug: boolean;
  /** Writes the payload for the hypervisor with build-id `id`. Unless `verdict` is `built`, removes what an earlier run wrote there. */
  write(id: string | null, verdict: DiffVerdict, bytes: Uint8Array | null, debug: Uint8Array | null): WrittenFiles;
}

interface Paths {
  readonly payload: string | undefined;
  readonly debug: string | undefined;
}

/** Checks the destination before anything is built. Throws an XspliceError (EUSAGE, EFILE) if it cannot be written. */
export function outputsOf(
  { out, debugFile, inputs }: OutputPlan & { readonly inputs: readonly string[] },
  name: string,
  several: boolean,
  cwd: string,
): Outputs {
  if (several) return folderOutputs(out, debugFile, name, cwd, inputs);
  if (out !== undefined && debugFile !== undefined && resolve(cwd, out) === resolve(cwd, debugFile)) {
    throw new XspliceError('EUSAGE', `--output and --debug-file are both ${out}`, 'give two different files');
  }
  const paths = { payload: out, debug: debugFile };
  for (const path of [out, debugFile]) if (path !== undefined) outputFile(path, cwd, inputs);
  return {
    several,
    debug: debugFile !== undefined,
    write: (_, verdict, bytes, debug) => writeFiles(paths, cwd, inputs, verdict, bytes, debug),
  };
}

/** Writes `OUT/<build-id>/<name>.livepatch` and, beside it, `<name>.debug`. A host finds its payload by its own build-id. */
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
      // Without a build-id, no host can find its folder.
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
    // A payload of an earlier run must not pass for the result of this one.
    file.remove();
    return null;
  };
  return { payload: one(paths.payload, bytes), debug: one(paths.debug, debug) };
}
