import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { payloadName } from '../../src/payload/payload-input.ts';
import { privateDirectory, run } from './support.ts';

const cwd = privateDirectory();
writeFileSync(join(cwd, 'xen-syms'), 'image');
writeFileSync(join(cwd, 'x.livepatch'), 'payload');
mkdirSync(join(cwd, 'directory'));
execFileSync('mkfifo', [join(cwd, 'fifo')]);
symlinkSync('loop', join(cwd, 'loop'));
/** A file with a hole: it takes no room. */
const sparse = (name: string, size: number): void => {
  const descriptor = openSync(join(cwd, name), 'w');
  ftruncateSync(descriptor, size);
  closeSync(descriptor);
};
const MIB = 1024 * 1024;

describe('a payload', () => {
  it.each([
    ['that is missing', 'nosuch.livepatch', 'nosuch.livepatch: no such file'],
    ['that is a directory', 'directory', 'directory: is a directory'],
    ['that is a FIFO without a writer', 'fifo', 'fifo: not a regular file'],
    ['that is a device', '/dev/zero', '/dev/zero: not a regular file'],
    ['below a file', 'xen-syms/x', 'xen-syms/x: part of the path is not a directory'],
    ['behind a loop of links', 'loop', 'loop: too many symbolic links'],
    ['without a name', '', 'empty file name for a payload'],
    ['with a name that is too long', 'x'.repeat(300), 'file name too long'],
    ['with a NUL in its name', 'a\0b', 'a\\0b: no such file'],
  ])('%s is refused with status 2', async (_what, path, message) => {
    for (const argv of [
      ['inspect', path],
      ['check', path, '--xen', 'xen-syms'],
      ['rehearse', path, '--xen', 'xen-syms'],
    ]) {
      const { status, stdout, stderr, calls } = await run(argv, { cwd });
      expect({ status, stdout, calls }).toEqual({ status: 2, stdout: '', calls: [] });
      expect(stderr).toContain(`xsplice: error: `);
      expect(stderr).toContain(message);
    }
  });

  it('of more than 64 MiB is not read', async () => {
    sparse('huge', 64 * MIB + 1);
    const { status, stderr } = await run(['inspect', 'huge'], { cwd });
    expect(status).toBe(2);
    expect(stderr).toBe('xsplice: error: huge: 64 MiB is too large for a payload; the limit is 64 MiB\n');
  });

  it('of more than the 2 MiB that Xen takes is handed on: its refusal is Xen\u2019s', async () => {
    sparse('large', 2 * MIB + 1);
    const { calls } = await run(['check', 'large', '--xen', 'xen-syms'], { cwd });
    expect(calls[0]?.payloads[0]?.bytes.length).toBe(2 * MIB + 1);
  });

  it('may be empty', async () => {
    sparse('empty', 0);
    expect((await run(['inspect', 'empty'], { cwd })).calls[0]?.payloads[0]?.bytes.length).toBe(0);
  });

  it('is read as it is, with the image', async () => {
    const { calls } = await run(['rehearse', 'x.livepatch', '--xen', join(cwd, 'xen-syms')], { cwd });
    expect(Buffer.from(calls[0]?.image ?? []).toString()).toBe('image');
    expect(Buffer.from(calls[0]?.payloads[0]?.bytes ?? []).toString()).toBe('payload');
  });

  it('has a byte string as its name', async () => {
    writeFileSync(join(cwd, 'h\u00e9.livepatch'), '');
    const { calls } = await run(['inspect', 'h\u00e9.livepatch'], { cwd });
    expect(calls[0]?.payloads[0]).toMatchObject({ file: 'h\xc3\xa9.livepatch', name: 'h\xc3\xa9' });
  });
});

describe('an image', () => {
  it.each([
    ['that is missing', 'rehearse', 'nosuch', 'nosuch: no such file'],
    ['that is a directory', 'check', 'directory', 'directory: is a directory that contains no hypervisors'],
  ])('%s is refused with status 2', async (_what, command, path, message) => {
    const { status, stderr } = await run([command, 'x.livepatch', '--xen', path], { cwd });
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });

  it('of more than 512 MiB is not read', async () => {
    sparse('huge-image', 513 * MIB);
    const { status, stderr } = await run(['rehearse', 'x.livepatch', '--xen', 'huge-image'], { cwd });
    expect(status).toBe(2);
    expect(stderr).toContain('huge-image: 513 MiB is too large for a xen-syms; the limit is 512 MiB');
  });
});

describe('the name of a payload', () => {
  // Source: basename(3) and strrchr(3), as xen-livepatch's load uses them.
  it.each([
    ['hello.livepatch', 'hello'],
    ['dir/xsa-444.v2.livepatch', 'xsa-444.v2'],
    ['/abs.dir/plain', 'plain'],
    ['plain', 'plain'],
    ['.hidden', ''],
    ['trailing.', 'trailing'],
    ['dir.d/x.lp/', 'x'],
    ['new\nline.lp', 'new\nline'],
  ])('of %j is %j', (path, name) => {
    expect(payloadName(path)).toBe(name);
  });
});
