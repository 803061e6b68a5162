import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hex, XspliceError } from '../base/index.ts';
import { type Environment, fileFailure, privateFolder, runTool } from '../system/index.ts';
import type { XenArch } from '../xen/index.ts';
import { type LinkerChoice, linkerFor } from './linkers.ts';

/** An object that goes into a payload. */
export interface LinkedObject {
  /** What it is called where the linker complains of it. */
  readonly object: string;
  readonly bytes: Uint8Array;
}

/** How a payload is linked. */
export interface LinkOptions extends LinkerChoice {
  readonly arch: XenArch;
  readonly env: Environment;
  /**
   * The payload's own build-id: `sha1`, of what is linked; the one that is given, for debug information that belongs to another file;
   * or none, for an object that is to be linked once more.
   */
  readonly buildId: 'sha1' | Uint8Array | 'none';
  readonly signal?: AbortSignal | undefined;
}

/** A link that takes longer does not end. */
const TIMEOUT_MS = 300_000;

/** Names in the linker's folder: they are the same in every run, and say nothing of where the objects are from. */
const nameOf = (index: number): string => `object-${index}.o`;

function buildIdArgument(buildId: LinkOptions['buildId']): string {
  if (typeof buildId !== 'string') return `--build-id=0x${hex(buildId)}`;
  return `--build-id=${buildId}`;
}

/**
 * Links objects into one that is relocatable still (`ld -r`), as Xen loads it. The same objects in the same order give the same bytes,
 * wherever it is done. Rejects with an XspliceError (ETOOL) where the linker is missing, is for another architecture, or does not link them.
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

/** What the linker said, with the objects' own names. */
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
