import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { outputFile } from '../../src/cli/output-file.ts';
import { privateDirectory } from './support.ts';

const bytes = Uint8Array.of(1, 2, 3);
const SHA256 = '039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81';

describe('a file that is made', () => {
  it('is there with all of its contents, and nothing beside it', () => {
    const cwd = privateDirectory();
    writeFileSync(join(cwd, 'out'), 'what was there before, and is longer');
    expect(outputFile('out', cwd, []).write(bytes)).toEqual({ file: 'out', bytes: 3, sha256: SHA256 });
    expect(new Uint8Array(readFileSync(join(cwd, 'out')))).toEqual(bytes);
    expect(readdirSync(cwd)).toEqual(['out']);
  });

  it('is not touched before', () => {
    const cwd = privateDirectory();
    writeFileSync(join(cwd, 'out'), 'before');
    outputFile('out', cwd, []);
    expect(readFileSync(join(cwd, 'out'), 'utf8')).toBe('before');
    outputFile('new', cwd, []);
    expect(readdirSync(cwd)).toEqual(['out']);
  });

  it('can be taken away, and need not be there for that', () => {
    const cwd = privateDirectory();
    writeFileSync(join(cwd, 'out'), '');
    const file = outputFile('out', cwd, []);
    file.remove();
    file.remove();
    expect(existsSync(join(cwd, 'out'))).toBe(false);
  });

  it('is written where a link leads to', () => {
    const cwd = privateDirectory();
    writeFileSync(join(cwd, 'real'), '');
    symlinkSync('real', join(cwd, 'out'));
    outputFile('out', cwd, []).write(bytes);
    expect(new Uint8Array(readFileSync(join(cwd, 'real')))).toEqual(bytes);
    expect(readdirSync(cwd).sort()).toEqual(['out', 'real']);
  });

  it('is none of those that are read, by whatever name', () => {
    const cwd = privateDirectory();
    writeFileSync(join(cwd, 'in'), '');
    symlinkSync('in', join(cwd, 'soft'));
    linkSync(join(cwd, 'in'), join(cwd, 'hard'));
    for (const path of ['in', './in', 'soft', 'hard']) {
      expect(() => outputFile(path, cwd, ['nosuch', 'in'])).toThrow(`${path} would overwrite the input in`);
    }
  });

  it('is a file, in a folder that is there', () => {
    const cwd = privateDirectory();
    mkdirSync(join(cwd, 'folder'));
    expect(() => outputFile('folder', cwd, [])).toThrow('folder: is a directory');
    expect(() => outputFile('/dev/null', cwd, [])).toThrow('/dev/null: not a regular file');
    expect(() => outputFile('nosuch/out', cwd, [])).toThrow('nosuch/out: its directory does not exist');
    expect(() => outputFile('', cwd, [])).toThrow('invalid name for an output file');
  });
});
