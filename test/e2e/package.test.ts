import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { examplePath, root } from '../support/examples.ts';
import { privateFolder, xsplice } from './process.ts';

const folder = privateFolder();
const modules = join(folder, 'node_modules');
const unpacked = join(modules, 'xsplice');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, unknown>;
  dependencies: Record<string, string>;
};
let files: string[] = [];

beforeAll(() => {
  // What is packed is dist/ as it is: building it anew would take it from under the other tests.
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [packed] = JSON.parse(
    execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  ) as { filename: string; files: { path: string }[] }[];
  files = packed?.files.map(({ path }) => path) ?? [];
  mkdirSync(modules);
  execFileSync('tar', ['-xf', join(folder, packed?.filename ?? ''), '-C', folder]);
  renameSync(join(folder, 'package'), unpacked);
  for (const name of Object.keys(manifest.dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
});

describe('the package', () => {
  it('holds the program, the rooms, the schemas, and nothing that is not for users', () => {
    expect(files).toEqual(expect.arrayContaining(['bin/xsplice.js', 'bin/package.json', 'dist/cli/xsplice.cjs']));
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'docs/xsplice-check-1.schema.json']));
    const top = new Set(files.map((path) => path.split('/')[0]));
    expect([...top].sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'bin', 'dist', 'docs', 'package.json']);
  });

  it('has a program that works', () => {
    const program = join(unpacked, 'bin/xsplice.js');
    const args = ['rehearse', '--example', 'hello', '--release', '4.18.1'];
    expect(xsplice(args, { program, cwd: folder })).toEqual(xsplice(args));
    const inspect = ['inspect', join(root, 'examples/bin/hello.livepatch'), '--disassemble'];
    expect(xsplice(inspect, { program, cwd: folder })).toEqual(xsplice(inspect));
    expect(xsplice(inspect, { program, cwd: folder }).stdout).toContain('leaq .LC0(%rip), %rax');
    expect(spawnSync(program, ['--version'], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });

  it('has every room under its name, with types', () => {
    const rooms = Object.keys(manifest.exports).filter((name) => !name.endsWith('.json'));
    const imports = rooms.map((name) => `await import(${JSON.stringify(name.replace('.', 'xsplice'))})`);
    const script = `console.log(JSON.stringify([${imports.join(', ')}].map((room) => Object.keys(room).length)))`;
    const args = ['--input-type=module', '-e', script];
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    expect(stderr).toBe('');
    const counts = JSON.parse(stdout) as number[];
    expect(counts).toHaveLength(rooms.length);
    expect(Math.min(...counts)).toBeGreaterThan(0);
    const types = rooms.map((name) => (manifest.exports[name] as { types: string }).types.slice('./'.length));
    expect(files).toEqual(expect.arrayContaining(types));
  });

  it('runs the program that README.md shows', () => {
    const [, code] = /^```ts\n([\s\S]*?)^```$/m.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
    copyFileSync(examplePath('miniature-xen'), join(folder, 'xen-syms'));
    copyFileSync(examplePath('hello'), join(folder, 'fix.livepatch'));
    writeFileSync(join(folder, 'readme.mjs'), code ?? '');
    const { stdout, stderr } = spawnSync(process.execPath, ['readme.mjs'], { cwd: folder, encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: 'accepted null\n', stderr: '' });
  });
});
