import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildExamples } from '../../examples/build.ts';
import { type BuiltExamples, outputsOf } from '../../examples/outputs.ts';
import { toolchainOf } from '../../examples/toolchain.ts';
import { manifest, readBytes, root, uploadName } from '../support/examples.ts';

let folder: string;
let built: BuiltExamples;

const PATIENCE = 180_000;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xsplice-rebuild-'));
  mkdirSync(join(folder, 'first'));
  built = buildExamples(join(folder, 'first'));
}, PATIENCE);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('examples/build.ts', () => {
  it('gives the committed outputs', () => {
    const outputs = outputsOf(built);
    expect(outputs.size).toBe(manifest.images.length + manifest.payloads.length + 3);
    const tools = ({ images }: typeof manifest) => images.map((image) => [image.arch, image.tools]);
    expect(tools(built.manifest), 'the examples were built with the expected tools: install those').toEqual(
      tools(manifest),
    );
    const differing = [...outputs.keys()].filter(
      (path) => Buffer.compare(outputs.get(path) ?? new Uint8Array(), readBytes(join(root, path))) !== 0,
    );
    expect(differing, 'run `npx tsx examples/build.ts`').toEqual([]);
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
