import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildExamples } from '../../examples/build.ts';
import { type BuiltExamples, outputsOf } from '../../examples/outputs.ts';
import { exampleManifest, examplePath, readBytes, root } from '../support/examples.ts';
import { sections, symbols } from './binutils.ts';

let folder: string;
let built: BuiltExamples;

const PATIENCE = 60_000;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xsplice-rebuild-'));
  mkdirSync(join(folder, 'first'));
  built = buildExamples(join(folder, 'first'));
}, PATIENCE);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What any compiler must give: sections with their kinds, symbols with theirs, and the sizes of data laid out by us. */
function shapeOf(path: string): unknown {
  const inventedByCompiler = /^\.rodata|^\.rela|^\.L|^$/;
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

const sameTools = (): boolean =>
  built.manifest.tools.gcc === exampleManifest.tools.gcc && built.manifest.tools.ld === exampleManifest.tools.ld;

describe('examples/build.ts', () => {
  it('gives the committed outputs', () => {
    const outputs = outputsOf(built);
    expect(outputs.size).toBe(1 + exampleManifest.payloads.length + 1 + 3);
    // Another compiler's bytes are its own; the shapes below hold for it, too.
    const differing = [...outputs].filter(([path, bytes]) => Buffer.compare(bytes, readBytes(join(root, path))) !== 0);
    expect(sameTools() ? differing.map(([path]) => path) : []).toEqual([]);
    const payloads = built.manifest.payloads.map(({ size: _, buildId: __, ...payload }) => payload);
    expect(payloads).toEqual(exampleManifest.payloads.map(({ size: _, buildId: __, ...payload }) => payload));
  });

  it('gives files of the committed shape, whatever the compiler', () => {
    const { image, payloads } = built;
    const elves = [[exampleManifest.image.name, image] as const, ...payloads].filter(([, bytes]) => bytes[1] === 0x45);
    expect(elves.length).toBe(1 + exampleManifest.payloads.length - 1);
    for (const [name, bytes] of elves) {
      if (name === 'truncated') continue;
      const path = join(folder, name);
      writeFileSync(path, bytes);
      expect(shapeOf(path), name).toEqual(shapeOf(examplePath(name)));
    }
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
    expect(total).toBeLessThan(400_000);
    expect(size('examples/bin/miniature-xen')).toBeLessThan(60_000);
  });
});
