/** Builds the miniature hypervisor: compile, give the objects Xen's file names, link. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'fflate';
import { CFLAGS, compile, readBytes, run } from './toolchain.ts';

/** In link order, under `miniature-xen/`. */
const IMAGE_SOURCES: readonly string[] = [
  'arch/x86/boot/head.S',
  'arch/x86/domain.c',
  'arch/x86/livepatch.c',
  'arch/x86/setup.c',
  'arch/x86/usercopy.c',
  'common/config_data.S',
  'common/kernel.c',
  'common/keyhandler.c',
  'common/livepatch.c',
  'common/string.c',
  'common/version.c',
  'drivers/char/console.c',
];

/**
 * The image, from the sources in `sources`, by way of `work`. The configuration is compressed by fflate and not by Node's
 * zlib: that differs between Node's versions and processors, and so would the image's build-id.
 */
export function buildImage(sources: string, work: string): Uint8Array {
  mkdirSync(work, { recursive: true });
  const config = readBytes(join(sources, 'xen.config'));
  writeFileSync(join(work, 'xen-config.gz'), gzipSync(config, { level: 9, mtime: 0 }));

  const objects = IMAGE_SOURCES.map((source) => {
    const object = `${source.replaceAll('/', '_')}.o`;
    compile(source, join(work, object), sources, [...CFLAGS, '-Iinclude', `-Wa,-I${work}`]);
    // The compiler's FILE symbol has the base name only. Static functions are looked up with the whole one.
    if (source.endsWith('.c')) run('objcopy', [`--redefine-sym=${basename(source)}=${source}`, object], work);
    return object;
  });
  const script = join(sources, 'xen.lds');
  const options = ['-nostdlib', '-static', '--build-id=sha1', '-z', 'max-page-size=4096', '-z', 'noexecstack'];
  run('ld', [...options, '-T', script, '-o', 'xen', ...objects], work);
  return readBytes(join(work, 'xen'));
}
