/** Builds the miniature hypervisor: compiles, gives the objects Xen's file names, links. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'fflate';
import type { ExampleTarget } from './architectures.ts';
import { readBytes, toolchainOf } from './toolchain.ts';

/**
 * Builds the image from `sources` in `work`. Compresses the configuration with fflate instead of zlib, whose output differs
 * between Node versions and CPUs, and would change the image's build-id.
 */
export function buildImage(target: ExampleTarget, sources: string, work: string): Uint8Array {
  const objects = compileImage(target, sources, work);
  return linkImage(target, sources, work, objects);
}

/** Compiles the image's sources into `work`, and returns the names of the objects there. */
export function compileImage(target: ExampleTarget, sources: string, work: string): string[] {
  const { image, arch } = target;
  const { run, compile } = toolchainOf(target);
  mkdirSync(work, { recursive: true });
  const config = readBytes(join(sources, image.config));
  writeFileSync(join(work, 'xen-config.gz'), gzipSync(config, { level: 9, mtime: 0 }));

  return image.sources.map((source) => {
    const object = `${source.replaceAll('/', '_')}.o`;
    const flags = [...target.cflags, '-Iinclude', `-Iinclude/${arch}`, `-Wa,-I${work}`];
    compile(source, join(work, object), sources, flags);
    // The compiler's FILE symbol has only the base name. Lookups of static functions need the full one.
    if (source.endsWith('.c')) run('objcopy', [`--redefine-sym=${basename(source)}=${source}`, object], work);
    return object;
  });
}

/** Links objects, by path or by name in `work`, for `target`. */
export function linkImage(target: ExampleTarget, sources: string, work: string, objects: readonly string[]): Uint8Array {
  const script = join(sources, target.image.script);
  const options = ['-nostdlib', '-static', '--build-id=sha1', '-z', 'max-page-size=4096', '-z', 'noexecstack'];
  toolchainOf(target).run('ld', [...options, ...target.image.options, '-T', script, '-o', 'xen', ...objects], work);
  return readBytes(join(work, 'xen'));
}
