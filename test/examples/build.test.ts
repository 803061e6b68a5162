import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildExamples } from '../../examples/build.ts';
import { type BuiltExamples, outputsOf } from '../../examples/outputs.ts';
import { toolchainOf } from '../../examples/toolchain.ts';
import type { ExampleImage } from '../../src/cli/embedded/example.ts';
import { examplePath, manifest, readBytes, root, uploadName } from '../support/examples.ts';
import { sections, symbols } from './binutils.ts';

let folder: string;
let built: BuiltExamples;

const PATIENCE = 180_000;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xsplice-rebuild-'));
  mkdirSync(join(folder, 'first'));
  built = buildExamples(join(folder, 'first'));
}, PATIENCE);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What any compiler must give: sections with their kinds, symbols with theirs, and the sizes of data laid out by us. */
function shapeOf(path: string): unknown {
  const inventedByCompiler = /^\.rodata|^\.rela?\.|^\.L|^\$[adx]|^$/;
  const fixedSize = /^\.livepatch\.|^\.note\.gnu\.build-id$|^\.altinstructions$|^\.modinfo$/;
  return {
    sections: sections(path)
      .filter(({ name }) => !inventedByCompiler.test(name))
      .map(({ name, type, flags, size }) => ({ name, type, flags, size: fixedSize.test(name) ? size : null }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    symbols: symbols(path)
      .filter(({ name, type }) => type !== 'SECTION' && !inventedByCompiler.test(name))
      .map(
        ({ qualified, type, bind, index }) => `${bind} ${type} ${/^\d+$/.test(index) ? 'defined' : index} ${qualified}`,
      )
      .sort(),
  };
}

/** Files of architectures whose tools are those that gave the committed ones; what is of all of them, where all are. */
function comparable(): Set<string> {
  const same = ({ arch, tools }: ExampleImage): boolean =>
    JSON.stringify(tools) === JSON.stringify(manifest.images.find((image) => image.arch === arch)?.tools);
  const archs = new Set(built.manifest.images.filter(same).map(({ arch }) => arch));
  const files = [...manifest.images, ...manifest.payloads].filter(({ arch }) => archs.has(arch));
  return new Set(
    archs.size === manifest.images.length ? outputsOf(built).keys() : files.map(({ file }) => `examples/${file}`),
  );
}

describe('examples/build.ts', () => {
  it('gives the committed outputs', () => {
    const outputs = outputsOf(built);
    expect(outputs.size).toBe(manifest.images.length + manifest.payloads.length + 1 + 3);
    // Another compiler's bytes are its own; the shapes below hold for it, too.
    const differing = [...comparable()].filter(
      (path) => Buffer.compare(outputs.get(path) ?? new Uint8Array(), readBytes(join(root, path))) !== 0,
    );
    expect(differing).toEqual([]);
    const payloads = built.manifest.payloads.map(({ size: _, buildId: __, ...payload }) => payload);
    expect(payloads).toEqual(manifest.payloads.map(({ size: _, buildId: __, ...payload }) => payload));
  });

  it('has the same payloads for every architecture, but for those that show what one does alone', () => {
    const names = (arch: string): string[] =>
      manifest.payloads.filter((payload) => payload.arch === arch).map(({ name }) => uploadName(name));
    expect(names('arm64')).toEqual(names('x86_64'));
    expect(names('arm32').filter((name) => !names('x86_64').includes(name))).toEqual(['odd-branch']);
    expect(names('x86_64').filter((name) => !names('arm32').includes(name))).toEqual([]);
  });

  it('gives files of the committed shape, whatever the compiler', { timeout: PATIENCE }, () => {
    const elves = [...built.images, ...built.payloads].filter(([, bytes]) => bytes[1] === 0x45);
    const { length } = manifest.images;
    expect(elves.length).toBe(length + manifest.payloads.length - length);
    for (const [name, bytes] of elves) {
      if (uploadName(name) === 'truncated') continue;
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
      expect(shapeOf(path), name).toEqual(shapeOf(examplePath(name)));
    }
  });

  it('says which package brings a compiler that is missing', () => {
    const { versions } = toolchainOf({ prefix: 'no-such-machine-', debianPackage: 'gcc-no-such-machine' });
    expect(versions).toThrow('no-such-machine-gcc is missing: it comes with the Debian package gcc-no-such-machine');
  });

  it(
    'does not depend on where it builds',
    () => {
      const elsewhere = join(folder, 'a much longer name with blanks', 'second');
      mkdirSync(elsewhere, { recursive: true });
      const again = outputsOf(buildExamples(elsewhere));
      for (const [path, bytes] of outputsOf(built))
        expect(Buffer.compare(bytes, again.get(path) ?? bytes.slice(1)), path).toBe(0);
      const traces = [folder, root, 'xsplice-rebuild'].map((text) => Buffer.from(text, 'latin1'));
      for (const [path, bytes] of again)
        for (const trace of traces) expect(Buffer.from(bytes).includes(trace), path).toBe(false);
    },
    PATIENCE,
  );

  it('keeps the committed outputs small', () => {
    const size = (path: string): number => readBytes(join(root, path)).length;
    const total = [...outputsOf(built).keys()].reduce((sum, path) => sum + size(path), 0);
    expect(total).toBeLessThan(700_000);
    for (const { file } of manifest.images) expect(size(`examples/${file}`)).toBeLessThan(60_000);
  });
});
