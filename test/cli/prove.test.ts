import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { proofSchema } from '../../src/documents/schemas.ts';
import { examplePath, root } from '../support/examples.ts';
import { compileMiniature, type Edits } from '../support/miniature-source.ts';
import { privateDirectory, runMain } from './support.ts';

const cwd = privateDirectory();

const xsplice = (...argv: string[]) => runMain(argv, { env: { PATH: process.env['PATH'], TMPDIR: cwd }, cwd });

function write(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(join(cwd, path)), { recursive: true });
  writeFileSync(join(cwd, path), bytes);
}

const OBJECT = 'common/version.o';
const EDITS: Edits = [['".1"', '".1-fixed"']];
const HALF: Edits = [['".1"', '".1-FIXED"']];
const FOLDERS = ['--before', 'before', '--after', 'after'];

beforeAll(async () => {
  const compiled = (edits: Edits): Uint8Array => compileMiniature('x86_64', 'common/version.c', edits, ['-g']);
  write(`before/${OBJECT}`, compiled([]));
  write(`after/${OBJECT}`, compiled(EDITS));
  write(`half/${OBJECT}`, compiled(HALF));
  copyFileSync(examplePath('miniature-xen'), join(cwd, 'xen-syms'));
  for (const [after, out] of [
    ['after', 'fix.livepatch'],
    ['half', 'half.livepatch'],
  ] as const) {
    const { status } = await xsplice('diff', 'before', after, '--xen', 'xen-syms', '--link', '-o', out);
    expect(status).toBe(0);
  }
}, 120_000);

it('proves what diff made, and prints a document', async () => {
  const { status, stdout, stderr } = await xsplice('prove', 'fix.livepatch', ...FOLDERS, '--xen', 'xen-syms', '--json');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(proofSchema.parse(JSON.parse(stdout))).toMatchObject({
    verdict: 'proved',
    payload: { file: 'fix.livepatch' },
    objects: { compared: 1, identical: 0 },
    findings: [],
  });
});

it('takes two objects, too', async () => {
  const pair = ['--before', `before/${OBJECT}`, '--after', `after/${OBJECT}`];
  expect((await xsplice('prove', 'fix.livepatch', ...pair, '--xen', 'xen-syms')).stdout).toMatch(/^PROVED/);
});

it('exits with 1 for another patch, and for a file that is no payload', async () => {
  const other = await xsplice('prove', 'half.livepatch', ...FOLDERS, '--xen', 'xen-syms');
  expect(other).toMatchObject({ status: 1, stderr: '' });
  expect(other.stdout).toMatch(/^NOT PROVED/);
  const none = await xsplice('prove', 'xen-syms', ...FOLDERS, '--xen', 'xen-syms');
  expect(none.status).toBe(1);
  expect(none.stdout).toContain('error[proof-payload]');
});

it('exits with 2 for usage and missing files', async () => {
  expect(await xsplice('prove', 'fix.livepatch', '--after', 'after', '--xen', 'xen-syms')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('missing --before'),
  });
  expect((await xsplice('prove', 'nosuch', ...FOLDERS, '--xen', 'xen-syms')).status).toBe(2);
});

it('docs/proof.md shows what is printed', async () => {
  const page = readFileSync(join(root, 'docs/proof.md'), 'utf8');
  const shown = [...page.matchAll(/^\$ xsplice (.*)\n((?:(?!\$ |```).*\n)*)/gm)];
  expect(shown.length).toBe(2);
  for (const [, command = '', expected = ''] of shown) {
    const { stdout } = await xsplice(...command.split(' '));
    const parts = expected
      .trimEnd()
      .split('\n')
      .map((line) =>
        line === '[…]'
          ? '(?:.*\n)*?'
          : `${line
              .split('[…]')
              .map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
              .join('.*')}\n`,
      );
    expect(stdout.replace(/[ \t]+$/gm, '')).toMatch(new RegExp(`^${parts.join('')}$`));
  }
});
