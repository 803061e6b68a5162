import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { examplePath } from '../support/examples.ts';
import { PROGRAM, privateFolder, xsplice } from './process.ts';

const cwd = privateFolder();
mkdirSync(join(cwd, 's/files'), { recursive: true });
for (const name of ['hello', 'miniature-xen']) {
  cpSync(examplePath(name), join(cwd, 's/files', name === 'hello' ? 'hello.livepatch' : name));
}
const LIFE = `xen: files/miniature-xen
matrix: { release: [4.18.1, 4.18.2, 4.19.0], n: [1, 2, 3, 4, 5] }
steps:
  - upload: { name: hello, file: files/hello.livepatch }
  - apply: hello
  - verify
  - revert: hello
  - unload: hello
`;
writeFileSync(join(cwd, 's/life.yaml'), LIFE);
writeFileSync(
  join(cwd, 's/panic.yaml'),
  LIFE.replace(/matrix.*\n/, 'release: ["4.18.0"]\n').replace(
    / {2}- apply[\s\S]*/,
    '  - panics: { apply: hello, error_code: 3 }\n',
  ),
);

describe('scenarios with the built program', () => {
  it('run in threads, and give what one thread gives', () => {
    const threads = xsplice(['rehearse', 's', '--jobs', '2'], { cwd });
    expect(threads).toMatchObject({ status: 0, stderr: '' });
    expect(threads.stdout).toMatch(/PASSED 16 scenarios\n$/);
    expect(threads).toEqual(xsplice(['rehearse', 's', '--jobs', '1'], { cwd }));
  });

  it('give the same document each time', () => {
    const { stdout } = xsplice(['rehearse', 's', '--json', '--jobs', '2'], { cwd });
    expect(JSON.parse(stdout)).toMatchObject({ format: 'xsplice-scenario/2', scenarios: { length: 16 } });
    expect(xsplice(['rehearse', 's', '--format', 'json', '--jobs', '2'], { cwd }).stdout).toBe(stdout);
  });

  it('end with 2 for a wrong file', () => {
    writeFileSync(join(cwd, 'wrong.yaml'), 'steps: [{ aply: a }]\n');
    const { status, stdout, stderr } = xsplice(['rehearse', 'wrong.yaml'], { cwd });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('wrong.yaml:1:11: unknown step key aply; did you mean apply?');
  });

  it('end at once with Ctrl-C, and say nothing more', async () => {
    const text = LIFE.replace(/n: \[.*\]/, `n: [${Array.from({ length: 300 }, (_, i) => i).join(', ')}]`);
    writeFileSync(join(cwd, 's/files/_many.yaml'), text.replaceAll('files/', ''));
    const started = performance.now();
    const child = spawn(process.execPath, [PROGRAM, 'rehearse', 's/files/_many.yaml', '--jobs', '2'], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      // The first results are there: the threads are at work.
      if (out === '') child.kill('SIGINT');
      out += part;
    });
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      err += part;
    });
    const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
      child.on('close', (...ended) => resolve(ended));
    });
    expect({ status, signal, err }).toEqual({ status: null, signal: 'SIGINT', err: '' });
    expect(out).not.toContain('PASSED 900 scenarios');
    expect(performance.now() - started).toBeLessThan(15_000);
  });
});
