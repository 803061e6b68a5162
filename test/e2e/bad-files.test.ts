import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exampleBytes, examplePath } from '../support/examples.ts';
import { documentOf, privateFolder, xsplice } from './process.ts';

const folder = privateFolder();
const xen = examplePath('miniature-xen');
const hello = examplePath('hello');

/** Makes a file and gives its path. */
function file(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** A file of this size that takes no room. */
function sparse(name: string, size: number): string {
  const path = file(name, '');
  truncateSync(path, size);
  return path;
}

mkdirSync(join(folder, 'directory'));
execFileSync('mkfifo', [join(folder, 'fifo')]);
symlinkSync('loop', join(folder, 'loop'));

const UNREADABLE: readonly (readonly [what: string, path: string, message: RegExp])[] = [
  ['a file that is not there', join(folder, 'nosuch'), /no such file/],
  ['a path through a file', join(hello, 'x'), /not a directory/],
  ['a directory', join(folder, 'directory'), /is a directory/],
  ['a device without end', '/dev/zero', /not a regular file/],
  ['a pipe that nobody writes to', join(folder, 'fifo'), /not a regular file/],
  ['a link to itself', join(folder, 'loop'), /too many symbolic links/],
  ['an empty name', '', /empty file name for a/],
];

describe('what cannot be read', () => {
  it.each([...UNREADABLE, ['65 MiB', sparse('huge', 65 << 20), /65 MiB is too large/] as const])(
    'as a payload: %s',
    (_what, path, message) => {
      for (const args of [
        ['check', path, '--xen', xen],
        ['rehearse', path, '--xen', xen],
        ['inspect', path],
      ]) {
        const { status, stdout, stderr } = xsplice(args);
        expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
        expect(stderr).toMatch(/^xsplice: error: /);
        expect(stderr).toMatch(message);
      }
    },
  );

  it.each([...UNREADABLE, ['513 MiB', sparse('enormous', 513 * 2 ** 20), /513 MiB is too large/] as const])(
    'as an image: %s',
    (_what, path, message) => {
      const { status, stdout, stderr } = xsplice(['check', hello, '--xen', path]);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(message);
    },
  );

  it('for want of permission', () => {
    const path = file('secret', exampleBytes('hello'));
    chmodSync(path, 0);
    const { status, stderr } = xsplice(['inspect', path]);
    // Root may read everything.
    const root = process.getuid?.() === 0;
    expect({ status, denied: stderr.includes('permission denied') }).toEqual(
      root ? { status: 0, denied: false } : { status: 2, denied: true },
    );
  });
});

describe('what is no image', () => {
  it.each([
    ['nothing', ''],
    ['text', 'hello\n'],
    ['an ELF header and no more', exampleBytes('miniature-xen').subarray(0, 64)],
    ['half an image', exampleBytes('miniature-xen').subarray(0, 20_000)],
    ['a payload', exampleBytes('hello')],
    ['gzip', Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3)],
  ] as const)('%s', (_what, bytes) => {
    const { status, stdout, stderr } = xsplice(['rehearse', hello, '--xen', file('image', bytes)]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^xsplice: error: the image/);
    expect(stderr).not.toMatch(/bug in xsplice|^ +at /m);
  });
});

/** What the hypervisor says of bad files. Source: the table of the real host's answers. */
describe('payloads that are none', () => {
  it.each([
    ['nothing', '', 'EINVAL', []],
    ['text', 'hello\n', 'EINVAL', ['livepatch: bad: Section header is bigger than payload']],
    ['100 letters', 'x'.repeat(100), 'EINVAL', ['livepatch: bad: Not an ELF payload']],
    ['half a payload', exampleBytes('hello').subarray(0, 600), 'EINVAL', ['livepatch: bad: Bogus e_shoff']],
    ['an image', exampleBytes('miniature-xen'), 'EOPNOTSUPP', ['livepatch: bad: Invalid ELF payload']],
  ] as const)('%s', (_what, bytes, errno, console) => {
    const path = file('bad.livepatch', bytes);
    const { status, document } = documentOf('check', [path, '--xen', xen]);
    expect(document.payloads).toMatchObject([{ verdict: 'refused', errno, console }]);
    expect(status).toBe(1);
    expect(documentOf('rehearse', [path, '--xen', xen])).toMatchObject({ status: 1, document: { verdict: 'refused' } });
    expect(xsplice(['inspect', path])).toMatchObject({ stderr: '' });
  });

  it('larger than Xen takes: refused without a word', () => {
    const path = sparse('large.livepatch', 3 << 20);
    const { status, document } = documentOf('check', [path, '--xen', xen]);
    expect(document.payloads).toMatchObject([{ verdict: 'refused', errno: 'EINVAL', console: [] }]);
    expect(document.payloads[0]?.findings).toMatchObject([{ rule: 'upload-size' }]);
    expect(status).toBe(1);
  });

  it('with a name that is no text: shown so that it does the terminal no harm', () => {
    const path = file('evil\x1b[2J.livepatch', exampleBytes('hello'));
    const { status, stdout } = xsplice(['rehearse', path, '--xen', xen]);
    expect(status).toBe(0);
    expect(stdout).not.toContain('\x1b');
    expect(stdout).toContain('evil\\x1b[2J');
  });

  it('with a name longer than Xen takes', () => {
    const path = file(`${'n'.repeat(140)}.livepatch`, exampleBytes('hello'));
    const { status, document } = documentOf('rehearse', [path, '--xen', xen]);
    expect(document).toMatchObject({ verdict: 'refused', steps: [{ step: 'upload', errno: 'EINVAL' }] });
    expect(status).toBe(1);
  });
});
