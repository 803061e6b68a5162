import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hex, XspliceError } from '../base/index.ts';
import { type Environment, fileFailure, privateFolder, runTool } from '../system/index.ts';
import type { XenArch } from '../xen/index.ts';
import { type LinkerChoice, linkerFor } from './linkers.ts';

/** An object to link into a payload. */
export interface LinkedObject {
  /** Its name in linker errors. */
  readonly object: string;
  readonly bytes: Uint8Array;
}

/** How to link a payload. */
export interface LinkOptions extends LinkerChoice {
  readonly arch: XenArch;
  readonly env: Environment;
  /**
   * The payload's build-id: `sha1` of its contents; a given one, for debug information of another file; or none, for an object to
   * link again.
   */
  readonly buildId: 'sha1' | Uint8Array | 'none';
  readonly signal?: AbortSignal | undefined;
}

/** A link that takes longer is hung. */
const TIMEOUT_MS = 300_000;

/** Returns a name in the linker's folder: the same in every run, and independent of where objects come from. */
const nameOf = (index: number): string => `object-${index}.o`;

function buildIdArgument(buildId: LinkOptions['buildId']): string {
  if (typeof buildId !== 'string') return `--build-id=0x${hex(buildId)}`;
  return `--build-id=${buildId}`;
}

/**
 * Links objects into one relocatable object (`ld -r`), as Xen loads it. The same objects in the same order give the same bytes
 * everywhere.
 * Rejects with an XspliceError (ETOOL) if the linker is missing, is for another architecture, or fails.
 */
export async function linkPayload(objects: readonly LinkedObject[], options: LinkOptions): Promise<Uint8Array> {
  const { env, signal, arch, buildId } = options;
  const { program, args } = linkerFor(arch, options);
  const folder = workFolder(env);
  try {
    for (const [i, { bytes }] of objects.entries()) writeFileSync(join(folder.path, nameOf(i)), bytes);
    const names = objects.map((_, i) => nameOf(i));
    const all = [...args, '-r', buildIdArgument(buildId), '-o', 'payload', ...names];
    await runTool(program, all, { env, cwd: folder.path, signal, timeout: TIMEOUT_MS });
    return new Uint8Array(readFileSync(join(folder.path, 'payload')));
  } catch (error) {
    throw failure(error, objects);
  } finally {
    folder.remove();
  }
}

function workFolder(env: Environment): ReturnType<typeof privateFolder> {
  const parent = env['TMPDIR'] || tmpdir();
  try {
    return privateFolder(join(parent, 'xsplice-link-'));
  } catch (error) {
    const hint = 'Set TMPDIR to a writable folder.';
    throw fileFailure(error, `cannot create a temporary folder in ${parent}`, hint);
  }
}

/** Returns the linker's message with the objects' own names. */
function failure(error: unknown, objects: readonly LinkedObject[]): unknown {
  if (error instanceof XspliceError) {
    const message = error.message.replace(
      /\bobject-(\d+)\.o\b/g,
      (name, i: string) => objects[Number(i)]?.object ?? name,
    );
    return new XspliceError(error.code, message, error.hint);
  }
  return fileFailure(error, 'cannot link the payload', 'Set TMPDIR to a folder with enough free space.');
}
