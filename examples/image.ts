/** Builds the miniature hypervisor: compile, give the objects Xen's file names, link. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'fflate';
import type { ExampleTarget } from './architectures.ts';
import { readBytes, toolchainOf } from './toolchain.ts';

/**
 * The image, from the sources in `sources`, by way of `work`. The configuration is compressed by fflate and not by Node's
 * zlib: that differs between Node's versions and processors, and so would the image's build-id.
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
    // The compiler's FILE symbol has the base name only. Static functions are looked up with the whole one.
    if (source.endsWith('.c')) run('objcopy', [`--redefine-sym=${basename(source)}=${source}`, object], work);
    return object;
  });
}

/** Links objects, by path or by name in `work`, as `target` says. */
export function linkImage(target: ExampleTarget, sources: string, work: string, objects: readonly string[]): Uint8Array {
  const script = join(sources, target.image.script);
  const options = ['-nostdlib', '-static', '--build-id=sha1', '-z', 'max-page-size=4096', '-z', 'noexecstack'];
  toolchainOf(target).run('ld', [...options, ...target.image.options, '-T', script, '-o', 'xen', ...objects], work);
  return readBytes(join(work, 'xen'));
}
