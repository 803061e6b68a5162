/**
 * Builds the examples with plain gcc and ld: `npx tsx examples/build.ts`. It writes `examples/bin/`, `manifest.json` and
 * the generated modules in `src/cli/embedded/`, all of which are committed; `test/examples` builds them again and
 * compares.
 *
 * The image comes first: payloads carry its build-id, and the sizes of its functions.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'fflate';
import type { BuiltPayload } from '../src/cli/embedded/example.ts';
import { type CataloguedPayload, catalogue } from './catalogue.ts';
import { buildIdOf } from './elf64.ts';
import { buildImage } from './image.ts';
import { type BuiltExamples, outputsOf } from './outputs.ts';
import { buildPayload, oldFunctionsHeader } from './payload.ts';
import { toolVersions } from './toolchain.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const IMAGE = 'miniature-xen';
/** What xen_major_version(), xen_minor_version() and xen_extra_version() of the image say. */
const RELEASE = '4.18.1';
/** Bytes of a payload that was cut off: past the ELF header, far before the section headers. */
const CUT_OFF = 512;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Builds everything below `work`, an empty folder, and writes nowhere else. */
export function buildExamples(work: string): BuiltExamples {
  const image = buildImage(join(HERE, IMAGE), join(work, IMAGE));
  const headers = join(work, 'headers');
  mkdirSync(headers);
  writeFileSync(join(headers, 'old-functions.h'), oldFunctionsHeader(image));

  const imageId = buildIdOf(image);
  const payloads = new Map<string, Uint8Array>();
  const bytesOf = (name: string): Uint8Array => {
    const bytes = payloads.get(name);
    if (!bytes) throw new Error(`${name} must come earlier in the catalogue`);
    return bytes;
  };
  for (const { name, depends, recipe } of catalogue) {
    if (recipe.from !== 'source') {
      const whole = bytesOf(recipe.of);
      payloads.set(name, recipe.from === 'cut' ? whole.slice(0, CUT_OFF) : gzipSync(whole, { level: 9, mtime: 0 }));
    } else {
      const dependsId = depends === null ? undefined : depends === IMAGE ? imageId : buildIdOf(bytesOf(depends));
      const xenDepends = recipe.wrongXenDepends ? imageId.map((byte) => byte ^ 0xff) : imageId;
      const folders = { sources: join(HERE, 'payloads'), headers, work: join(work, name) };
      payloads.set(name, buildPayload({ name, recipe, depends: dependsId, xenDepends, ...folders }));
    }
  }

  const describe = ({ recipe, ...payload }: CataloguedPayload): BuiltPayload => {
    const bytes = bytesOf(payload.name);
    const origin = recipe.from === 'source' ? payload.name : recipe.of;
    return {
      ...payload,
      file: `bin/${payload.name}.livepatch`,
      sources: [`payloads/${origin}.c`, 'payloads/livepatch.h', 'payloads/notes.S'],
      size: bytes.length,
      buildId: recipe.from === 'source' ? hex(buildIdOf(bytes)) : null,
    };
  };
  return {
    manifest: {
      format: 'xsplice-examples/1',
      tools: toolVersions(),
      image: { name: IMAGE, file: `bin/${IMAGE}`, release: RELEASE, size: image.length, buildId: hex(imageId) },
      payloads: catalogue.map(describe),
    },
    image,
    payloads,
  };
}

/** Builds in a folder of its own and writes the outputs below `root`. */
export function buildInto(root: string): void {
  const work = mkdtempSync(join(tmpdir(), 'xsplice-examples-'));
  try {
    for (const [path, bytes] of outputsOf(buildExamples(work))) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), bytes);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  buildInto(dirname(HERE));
}
