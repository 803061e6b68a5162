/**
 * Builds the examples with plain gcc and ld: `npx tsx examples/build.ts`. Writes `examples/bin/` and the generated modules
 * in `src/cli/embedded/`; all are committed. `test/examples` rebuilds and compares them.
 *
 * Each architecture's image comes first, because payloads contain its build-id and the sizes of its functions.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'fflate';
import type { BuiltPayload, ExampleImage } from '../src/cli/embedded/example.ts';
import { type ExampleTarget, TARGETS } from './architectures.ts';
import { type CataloguedPayload, catalogueOf } from './catalogue.ts';
import { buildIdOf } from './elf.ts';
import { buildImage } from './image.ts';
import { type BuiltExamples, outputsOf } from './outputs.ts';
import { buildPayload, oldFunctionsHeader } from './payload.ts';
import { toolchainOf } from './toolchain.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const IMAGE = 'miniature-xen';
/** Version of the image in xen_major_version(), xen_minor_version() and xen_extra_version(). */
const RELEASE = '4.18.1';
/** Size of the truncated payload: past the ELF header, far before the section headers. */
const CUT_OFF = 512;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Outputs of one architecture. */
interface BuiltTarget {
  readonly image: ExampleImage;
  readonly imageBytes: Uint8Array;
  readonly payloads: readonly { readonly payload: BuiltPayload; readonly bytes: Uint8Array }[];
}

function buildTarget(target: ExampleTarget, work: string): BuiltTarget {
  const { arch, folder } = target;
  const imageBytes = buildImage(target, join(HERE, IMAGE), join(work, IMAGE));
  const headers = join(work, 'headers');
  mkdirSync(headers, { recursive: true });
  writeFileSync(join(headers, 'old-functions.h'), oldFunctionsHeader(imageBytes));

  const imageId = buildIdOf(imageBytes);
  const built = new Map<string, Uint8Array>();
  const bytesOf = (name: string): Uint8Array => {
    const bytes = built.get(name);
    if (!bytes) throw new Error(`${name} must come earlier in the catalogue`);
    return bytes;
  };
  const catalogue = catalogueOf(arch);
  for (const { name, depends, recipe } of catalogue) {
    if (recipe.from !== 'source') {
      const whole = bytesOf(recipe.of);
      built.set(name, recipe.from === 'cut' ? whole.slice(0, CUT_OFF) : gzipSync(whole, { level: 9, mtime: 0 }));
    } else {
      const dependsId = depends === null ? undefined : depends === IMAGE ? imageId : buildIdOf(bytesOf(depends));
      const xenDepends = recipe.wrongXenDepends ? imageId.map((byte) => byte ^ 0xff) : imageId;
      const source = recipe.source ?? `${name}.c`;
      const folders = { sources: join(HERE, 'payloads'), headers, work: join(work, name) };
      built.set(name, buildPayload({ target, source, recipe, depends: dependsId, xenDepends, ...folders }));
    }
  }

  const describe = ({ recipe, ...payload }: CataloguedPayload): BuiltPayload => {
    const bytes = bytesOf(payload.name);
    const source = recipe.from === 'source' ? (recipe.source ?? `${payload.name}.c`) : `${recipe.of}.c`;
    return {
      ...payload,
      name: folder + payload.name,
      arch,
      depends: payload.depends === null ? null : folder + payload.depends,
      file: `bin/${folder}${payload.name}.livepatch`,
      sources: [`payloads/${source}`, 'payloads/livepatch.h', 'payloads/notes.S'],
      size: bytes.length,
      buildId: recipe.from === 'source' ? hex(buildIdOf(bytes)) : null,
    };
  };
  return {
    image: {
      name: folder + IMAGE,
      arch,
      file: `bin/${folder}${IMAGE}`,
      release: RELEASE,
      size: imageBytes.length,
      buildId: hex(imageId),
      tools: toolchainOf(target).versions(),
    },
    imageBytes,
    payloads: catalogue.map((payload) => ({ payload: describe(payload), bytes: bytesOf(payload.name) })),
  };
}

/** Builds everything below `work`, an empty folder, and writes nowhere else. */
export function buildExamples(work: string): BuiltExamples {
  const built = TARGETS.map((target) => buildTarget(target, join(work, target.arch)));
  const payloads = built.flatMap((each) => each.payloads);
  return {
    manifest: {
      format: 'xsplice-examples/2',
      images: built.map(({ image }) => image),
      payloads: payloads.map(({ payload }) => payload),
    },
    images: new Map(built.map(({ image, imageBytes }) => [image.name, imageBytes])),
    payloads: new Map(payloads.map(({ payload, bytes }) => [payload.name, bytes])),
  };
}

/** Builds in a temporary folder and writes the outputs below `root`. */
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
