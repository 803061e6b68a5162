import { isAbsolute, join } from 'node:path';
import { readYaml } from '../run/index.ts';

/** One base of a manifest. Paths are relative to what the manifest's own path is relative to. */
export interface ManifestBase {
  readonly name: string;
  readonly source: string;
  readonly xen?: string;
  readonly config?: string;
  readonly pristine: readonly string[];
  readonly depends?: Uint8Array;
  readonly xenDepends?: Uint8Array;
  readonly release?: string;
}

/** Contents of a manifest. */
export interface Manifest {
  readonly name?: string;
  readonly patches: readonly string[];
  readonly bases: readonly ManifestBase[];
}

/** Longest manifest, in characters; the reader has the same limit. */
export const MANIFEST_MOST = 256 * 1024;

/**
 * Parses a manifest: what to build for which hypervisors. Rejects with an XspliceError (EFILE) with file, line and column of the
 * first fault. Paths in it are relative to its folder.
 *
 * @param file as the user named it, for messages. @param folder of the manifest, to prefix its paths with.
 */
export async function readManifest(text: string, file: string, folder: string): Promise<Manifest> {
  const { manifestSchema } = await import('./manifest-schema.ts');
  const source = { file, path: file, text, wanted: 'a manifest has patches and bases' };
  const { name, patches, bases } = await readYaml(source, 'the manifest', manifestSchema);
  const at = (path: string): string => {
    const native = fromByteString(path);
    return isAbsolute(native) ? native : join(folder, native);
  };
  return {
    ...(name !== undefined && { name: fromByteString(name) }),
    patches: patches.map(at),
    bases: bases.map((base) => {
      const { xen, config, pristine, depends, release, 'xen-depends': xenDepends } = base;
      return {
        name: fromByteString(base.name ?? base.source),
        source: at(base.source),
        pristine: (pristine ?? []).map(at),
        ...(xen !== undefined && { xen: at(xen) }),
        ...(config !== undefined && { config: at(config) }),
        ...(depends !== undefined && { depends }),
        ...(xenDepends !== undefined && { xenDepends }),
        ...(release !== undefined && { release }),
      };
    }),
  };
}

/** Decodes a byte string to text for the operating system. */
const fromByteString = (text: string): string => Buffer.from(text, 'latin1').toString('utf8');
