import { spawn } from 'node:child_process';
import { cpSync, linkSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { examplePath } from '../support/examples.ts';
import { PROGRAM, privateFolder, xsplice } from './process.ts';

const cwd = privateFolder();
for (const folder of ['few', 'many', 'builds']) mkdirSync(join(cwd, folder));
for (const name of ['hello', 'stack', 'bad-relocation']) {
  cpSync(examplePath(name), join(cwd, `few/${name}.livepatch`));
}
for (let i = 0; i < 500; i++) linkSync(join(cwd, 'few/hello.livepatch'), join(cwd, `many/${i}.livepatch`));
for (const name of ['a', 'b', 'c']) cpSync(examplePath('miniature-xen'), join(cwd, `builds/xen-syms-${name}`));

describe('a matrix with the built program', () => {
  it.each(['text', 'json', 'sarif', 'junit', 'github', 'markdown'])(
    'comes out the same in threads and without: %s',
    (format) => {
      const argv = ['check', 'few', '--xen', 'builds', '--format', format];
      const alone = xsplice([...argv, '--jobs', '1'], { cwd });
      expect(alone).toMatchObject({ status: 1, stderr: '' });
      expect(alone.stdout).toContain('unhandled-relocation');
      expect(xsplice([...argv, '--jobs', '3'], { cwd })).toEqual(alone);
    },
  );

  it('ends at once with Ctrl-C, and says nothing more', async () => {
    const child = spawn(process.execPath, [PROGRAM, 'check', 'many', '--xen', 'builds', '--jobs', '2'], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (part: string) => {
        said += part;
      });
    }
    const started = performance.now();
    const timer = setTimeout(() => child.kill('SIGINT'), 1000);
    const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
      child.on('close', (...ended) => resolve(ended));
    });
    clearTimeout(timer);
    expect({ status, signal, said }).toEqual({ status: null, signal: 'SIGINT', said: '' });
    expect(performance.now() - started).toBeLessThan(15_000);
  });
});
