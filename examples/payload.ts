/** Builds one payload like livepatch-build-tools: objects, `ld -r --build-id=sha1`, then objcopy. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExampleTarget } from './architectures.ts';
import type { SourceRecipe } from './catalogue.ts';
import { functionsOf } from './elf.ts';
import { readBytes, toolchainOf } from './toolchain.ts';

/** Maximum bytes that an entry of .livepatch.funcs can expect. */
const EXPECTATION_MAX = 31;

const bytesInC = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => `0x${byte.toString(16).padStart(2, '0')}`).join(',');

/** Returns `old-functions.h`: length and first bytes of each hypervisor function. */
export function oldFunctionsHeader(image: Uint8Array): string {
  const lines = functionsOf(image).map(({ name, file, bytes }) => {
    const macro = (file === undefined ? name : `${file}#${name}`).replace(/\W/g, '_');
    const first = bytesInC(bytes.subarray(0, EXPECTATION_MAX));
    return `#define OLD_SIZE_${macro} ${bytes.length}\n#define OLD_BYTES_${macro} ${first}\n`;
  });
  return lines.join('');
}

/** Parameters of a payload's build. */
export interface PayloadBuild {
  readonly target: ExampleTarget;
  /** Its source, below `sources`. */
  readonly source: string;
  readonly recipe: SourceRecipe;
  /** Build-ids of the two notes; `undefined` omits the note. */
  readonly depends: Uint8Array | undefined;
  readonly xenDepends: Uint8Array | undefined;
  /** Absolute folders: the payloads' sources, the generated headers, and one for this payload. */
  readonly sources: string;
  readonly headers: string;
  readonly work: string;
}

/** Returns the payload's bytes. Compiles twice, because the lengths of its functions are known only after the first time. */
export function buildPayload(build: PayloadBuild): Uint8Array {
  const { target, source, recipe, depends, xenDepends, sources, headers, work } = build;
  const { run, compile } = toolchainOf(target);
  mkdirSync(work, { recursive: true });
  const flags = [...target.cflags, ...target.payloadFlags]
    .filter((flag) => !recipe.without?.includes(flag))
    .concat(recipe.with ?? [], '-I.', `-Iinclude/${target.arch}`, `-I${headers}`);
  const object = join(work, 'code.o');
  compile(source, object, sources, flags);
  const sizes = functionsOf(readBytes(object)).map((f) => `#define NEW_SIZE_${f.name} ${f.bytes.length}\n`);
  writeFileSync(join(work, 'new-sizes.h'), sizes.join(''));
  compile(source, object, sources, [...flags, `-I${work}`, '-DHAVE_NEW_SIZES']);

  const notes = [
    ...(depends ? [`-DDEPENDS=${bytesInC(depends)}`] : []),
    ...(xenDepends ? [`-DXEN_DEPENDS=${bytesInC(xenDepends)}`] : []),
  ];
  compile('notes.S', join(work, 'notes.o'), sources, notes);
  run('ld', ['-r', '--build-id=sha1', '-o', 'payload', 'code.o', 'notes.o'], work);

  // A note about compiler flags (.note.gnu.property) would only take space in the hypervisor.
  const readOnly = recipe.writableFuncs ? [] : ['--set-section-flags', '.livepatch.funcs=alloc,readonly'];
  run('objcopy', [...readOnly, '--remove-section', '.note.gnu.property', 'payload'], work);
  return readBytes(join(work, 'payload'));
}
