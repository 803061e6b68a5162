import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ExampleTarget, TARGETS } from '../../../examples/architectures.ts';
import { compileImage, linkImage } from '../../../examples/image.ts';
import { toolchainOf } from '../../../examples/toolchain.ts';
import type { Disassembler } from '../../../src/arch/index.ts';
import { ensure, groupBy } from '../../../src/base/index.ts';
import { type DiffOptions, diffPairs, type ObjectPair, type PairsDiff } from '../../../src/diff/index.ts';
import { loadCapstone } from '../../../src/disassembler/index.ts';
import { type Image, openImage } from '../../../src/hypervisor/index.ts';
import { type Release, releaseByVersion } from '../../../src/xen/index.ts';

/** Architectures of which objects can be made into payloads. */
export type SubjectArch = 'x86_64' | 'arm64';

/** Sources by file name, below `common/`. */
export type Sources = Readonly<Record<string, string>>;

const FLAGS = ['-ffunction-sections', '-fdata-sections', '-Wno-unused-variable'];
const SOURCES = 'examples/miniature-xen';

/** Flags that clang does not know. */
const GCC_ONLY: ReadonlySet<string> = new Set(['-mmanual-endbr', '-mgeneral-regs-only', '-mno-outline-atomics']);

/** The miniature hypervisor with files of a test in it, and the same files compiled once more after a change. */
export interface Subject {
  readonly image: Image;
  readonly imageBytes: Uint8Array;
  readonly release: Release;
  /** The objects after a change, compared with those that the image was linked from. */
  diff(after: Sources, options?: Partial<DiffOptions>): PairsDiff;
  /** The same against another hypervisor. */
  against(image: Image, after: Sources): PairsDiff;
  /** Any pairs, against this hypervisor. */
  pairs(pairs: readonly ObjectPair[]): PairsDiff;
  /** An object of the image. */
  object(file: string): Uint8Array;
  /** A file compiled as those of the image were, with other flags added. */
  compile(file: string, text: string, flags?: readonly string[]): Uint8Array;
  remove(): void;
}

let loaded: Promise<Disassembler> | undefined;

/** Capstone, loaded once. */
export const disassembler = (): Promise<Disassembler> => {
  loaded ??= loadCapstone();
  return loaded;
};

/** The miniature hypervisor's own objects, compiled once for each architecture. */
const objects = new Map<SubjectArch, { readonly folder: string; readonly names: readonly string[] }>();

function objectsFor(target: ExampleTarget & { readonly arch: SubjectArch }): readonly string[] {
  let known = objects.get(target.arch);
  if (known === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'xsplice-subject-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    known = { folder, names: compileImage(target, resolve(SOURCES), folder) };
    objects.set(target.arch, known);
  }
  const { folder, names } = known;
  return names.map((name) => join(folder, name));
}

/** How a subject's files are compiled. */
export interface SubjectOptions {
  /** With debug data? */
  readonly debug?: boolean;
  /** Of Xen, whose rules the payload obeys. */
  readonly version?: string;
  readonly flags?: readonly string[];
  /** Flags behind all others. */
  readonly more?: readonly string[] | undefined;
  readonly compiler?: 'gcc' | 'clang' | undefined;
}

/** Builds the hypervisor with `before` in it. */
export async function subject(
  arch: SubjectArch,
  before: Sources,
  { debug = true, version = '4.17.7', flags = FLAGS, more = [], compiler = 'gcc' }: SubjectOptions = {},
): Promise<Subject> {
  const capstone = await disassembler();
  const base = ensure(
    TARGETS.find((target) => target.arch === arch),
    'the architecture has examples',
  );
  const work = mkdtempSync(join(tmpdir(), 'xsplice-subject-'));
  const tree = join(work, 'tree');
  cpSync(SOURCES, tree, { recursive: true });
  // Xen's fix-ups are part of its text.
  const script = join(tree, base.image.script);
  writeFileSync(script, readFileSync(script, 'utf8').replace('.text .text.*)', '.text .text.* .fixup)'));
  const own = compiler === 'gcc' ? base.cflags : base.cflags.filter((flag) => !GCC_ONLY.has(flag));
  const cflags = [...own, ...flags, ...(debug ? ['-g'] : []), ...more];
  const write = (root: string, sources: Sources): void => {
    for (const [name, text] of Object.entries(sources)) writeFileSync(join(root, 'common', name), text);
  };
  const tools = toolchainOf(base);
  let count = 0;
  const compile = (file: string, text: string, extra: readonly string[] = []): Uint8Array => {
    const folder = join(work, `after${count++}`);
    mkdirSync(folder);
    write(tree, { [file]: text });
    const object = join(folder, 'out.o');
    tools.compile(`common/${file}`, object, tree, [...cflags, ...extra, '-Iinclude', `-Iinclude/${arch}`], compiler);
    // It does not rename symbols of objects without code.
    if (!extra.includes('-flto')) tools.run('objcopy', [`--redefine-sym=${file}=common/${file}`, object], folder);
    return new Uint8Array(readFileSync(object));
  };
  const originals = new Map(Object.entries(before).map(([file, text]) => [file, compile(file, text)]));
  const object = (file: string): Uint8Array => ensure(originals.get(file), 'the file is one of the image');
  const linked = [...originals].map(([file, bytes]) => {
    writeFileSync(join(work, `${file}.o`), bytes);
    return `${file}.o`;
  });
  const imageBytes = linkImage(base, tree, work, [...objectsFor({ ...base, arch }), ...linked]);
  const image = openImage(imageBytes);
  const release = ensure(releaseByVersion(version), 'the release is known').release;
  const pairsOf = (after: Sources): ObjectPair[] =>
    [...new Set([...Object.keys(before), ...Object.keys(after)])].map((file) => ({
      object: `common/${file.replace(/\.c$/, '.o')}`,
      orig: file in before ? object(file) : null,
      patched: compile(file, after[file] ?? before[file] ?? ''),
    }));
  return {
    image,
    imageBytes,
    release,
    object,
    compile,
    diff: (after, options = {}) =>
      diffPairs(image, release, pairsOf(after), { disassembler: capstone, name: 'test', ...options }),
    against: (other, after) => diffPairs(other, release, pairsOf(after), { disassembler: capstone, name: 'test' }),
    pairs: (pairs) => diffPairs(image, release, pairs, { disassembler: capstone, name: 'test' }),
    remove: () => rmSync(work, { recursive: true, force: true }),
  };
}

/** Names of functions by what became of them. */
export function byStatus({ functions }: PairsDiff): Record<string, string[]> {
  const groups = groupBy(functions, ({ status }) => status);
  return Object.fromEntries([...groups].map(([status, list]) => [status, list.map(({ name }) => name).sort()]));
}
