/** The committed examples as test input: bytes by name, read from `examples/`, not from the generated modules. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuiltPayload, ExampleArch, ExampleImage, ExampleManifest } from '../../src/cli/embedded/example.ts';

/** The repository's root. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

export const readBytes = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

/** `src/cli/embedded/manifest.json`. */
export const manifest: ExampleManifest = JSON.parse(
  readFileSync(join(root, 'src/cli/embedded/manifest.json'), 'utf8'),
) as ExampleManifest;

/** A miniature hypervisor, and the payloads for it. */
export interface ExampleSet {
  readonly image: ExampleImage;
  readonly payloads: readonly BuiltPayload[];
}

/** The examples of one architecture. */
export function examplesOf(arch: ExampleArch): ExampleSet {
  const image = manifest.images.find((candidate) => candidate.arch === arch);
  if (!image) throw new Error(`no miniature hypervisor of ${arch}`);
  return { image, payloads: manifest.payloads.filter((payload) => payload.arch === arch) };
}

/** Those of x86-64: what is tested with examples and has nothing to do with an architecture. */
export const exampleManifest: ExampleSet = examplesOf('x86_64');

/** What the manifest says of a payload (`hello`, `arm64/hello`). */
export function examplePayload(name: string): BuiltPayload {
  const payload = manifest.payloads.find((candidate) => candidate.name === name);
  if (!payload) throw new Error(`no example payload ${name}`);
  return payload;
}

/** Absolute path of an image (`miniature-xen`) or of a payload (`hello`). */
export function examplePath(name: string): string {
  const { file } = manifest.images.find((image) => image.name === name) ?? examplePayload(name);
  return join(root, 'examples', file);
}

/** A fresh copy of an image's or a payload's bytes. */
export const exampleBytes = (name: string): Uint8Array => readBytes(examplePath(name));

/** The name that a payload is uploaded under. */
export const uploadName = (name: string): string => name.replace(/^.*\//, '');
