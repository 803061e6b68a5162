/** The committed examples as test input: bytes by name, read from `examples/`, not from the generated modules. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuiltPayload, ExampleManifest } from '../../src/cli/embedded/example.ts';

/** The repository's root. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

export const readBytes = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

/** `examples/manifest.json`. */
export const exampleManifest: ExampleManifest = JSON.parse(
  readFileSync(join(root, 'examples/manifest.json'), 'utf8'),
) as ExampleManifest;

/** What the manifest says of a payload. */
export function examplePayload(name: string): BuiltPayload {
  const payload = exampleManifest.payloads.find((candidate) => candidate.name === name);
  if (!payload) throw new Error(`no example payload ${name}`);
  return payload;
}

/** Absolute path of the image (`miniature-xen`) or of a payload (`hello`). */
export function examplePath(name: string): string {
  const { image } = exampleManifest;
  return join(root, 'examples', name === image.name ? image.file : examplePayload(name).file);
}

/** A fresh copy of the image's or a payload's bytes. */
export const exampleBytes = (name: string): Uint8Array => readBytes(examplePath(name));
