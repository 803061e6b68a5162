import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeAll, expect, it } from 'vitest';
import { openSimulation } from '../../src/run/index.ts';
import { fitPayload } from '../../src/synth/index.ts';
import { debianXen } from '../support/debian-xen.ts';
import { examplePath, root } from '../support/examples.ts';
import { xenFromSource } from '../support/source-xen.ts';
import { PROGRAM, privateFolder } from './process.ts';

const PAGES = ['README.md', 'docs/building.md', 'docs/diff.md', 'docs/running-code.md', 'docs/scenarios.md'];

/** The files that the transcripts name. */
const folder = privateFolder();

beforeAll(async () => {
  const { xenSyms } = debianXen();
  symlinkSync(xenSyms, join(folder, 'xen-syms'));
  const { image, release } = openSimulation(new Uint8Array(readFileSync(xenSyms)), {
    gunzip: (data, maxOutputLength) => gunzipSync(data, { maxOutputLength }),
  });
  const hello = new Uint8Array(readFileSync(examplePath('hello')));
  writeFileSync(join(folder, 'hello.livepatch'), fitPayload(hello, { image, release }));
  for (const name of ['payloads', 'builds']) mkdirSync(join(folder, name));
  for (const name of ['hello', 'bad-relocation'])
    copyFileSync(examplePath(name), join(folder, `payloads/${name}.livepatch`));
  copyFileSync(xenSyms, join(folder, 'builds/xen-syms-4.17'));
  copyFileSync(examplePath('miniature-xen'), join(folder, 'builds/xen-syms-4.18'));
  for (const name of ['errno', 'struct-grows'])
    copyFileSync(join(root, `test/builder/source-patches/common/${name}.patch`), join(folder, `${name}.patch`));
  for (const [name, arch] of [
    ['xen-4.17', 'x86_64'],
    ['xen-4.17-arm64', 'arm64'],
  ] as const)
    symlinkSync(dirname((await xenFromSource(arch)).tree), join(folder, name));
}, 600_000);

interface Transcript {
  readonly page: string;
  readonly command: string;
  /** Lines; `[…]` stands for any text, alone on its line for any lines. */
  readonly expected: readonly string[];
}

/** Returns the commands in a page's plain code blocks that are shown with their output. */
function transcriptsIn(page: string): Transcript[] {
  const blocks = readFileSync(join(root, page), 'utf8').matchAll(/^```\n(.*?)^```$/gms);
  return [...blocks].flatMap(([, block = '']) =>
    [...block.matchAll(/^\$ (.*)\n((?:(?!\$ ).*\n)*)/gm)].flatMap(([, command = '', output = '']) =>
      output === '' ? [] : [{ page, command, expected: output.trimEnd().split('\n') }],
    ),
  );
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

function patternOf(lines: readonly string[]): RegExp {
  const literal = (text: string): string => text.split('[…]').map(escaped).join('.*');
  const parts = lines.map((line) => (line.trim() === '[…]' ? '(?:.*\n)*?' : `${literal(line)}\n`));
  return new RegExp(`^${parts.join('')}$`);
}

const wordsOf = (command: string): string[] =>
  [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '');

it.each(PAGES.flatMap(transcriptsIn))(
  '$page shows what $command prints',
  ({ command, expected }) => {
    const [program, ...args] = wordsOf(command);
    expect(program).toBe('xsplice');
    const options = { cwd: folder, encoding: 'utf8', timeout: 100_000 } as const;
    const { stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], options);
    expect(stderr).toBe('');
    const printed = `${stdout.replace(/[ \t]+$/gm, '').trimEnd()}\n`;
    if (!patternOf(expected).test(printed)) expect(printed).toBe(`${expected.join('\n')}\n`);
  },
  120_000,
);

it('finds the transcripts', () => {
  expect(PAGES.flatMap(transcriptsIn).length).toBeGreaterThanOrEqual(7);
});
