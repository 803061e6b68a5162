import { describe, expect, it } from 'vitest';
import { strerror } from '../../src/cli/host-strerror.ts';
import { hostSchema } from '../../src/documents/schemas.ts';
import type { ListRequest } from '../../src/xen/index.ts';
import { bootHost } from '../hypervisor/support.ts';
import { answered } from '../support/answers.ts';
import { exampleBytes } from '../support/examples.ts';
import { runC } from '../support/gcc.ts';
import { butWith, exampleFolder, HEAD, hostWith, Pending, tool } from './support/tool.ts';

const cwd = exampleFolder();

describe('list', () => {
  it('prints an empty list', async () => {
    expect(await tool(bootHost(), ['list'])).toEqual({ status: 0, stdout: 'Nothing to list\n', stderr: '' });
    const old =
      ' ID                                     | status\n----------------------------------------+------------\n';
    expect(await tool(bootHost({ release: '4.13.4' }), ['list'], { minor: 13 })).toMatchObject({
      status: 0,
      stdout: old,
    });
  });

  it('has a row for each payload', async () => {
    const target = await hostWith('hello', 'data', 'expectation-fails');
    await target.action('data', 'apply');
    await target.action('data', 'revert');
    await target.action('data', 'apply');
    await target.action('hello', 'apply');
    const metadata = new Uint8Array([...'a=1\0b=2\0'].map((character) => character.charCodeAt(0)));
    const rows = butWith(target, {
      list: async (request: ListRequest) => {
        const list = answered(await target.list(request));
        return { ...list, entries: list.entries.map((entry, i) => (i === 1 ? { ...entry, metadata } : entry)) };
      },
    });
    expect((await tool(rows, ['list'])).stdout).toBe(
      `${HEAD}hello                                   | APPLIED    | purpose=say hello;author=xsplice\n` +
        'data                                    | CHECKED (22, Invalid argument)    | a=1;b=2\n' +
        'expectation-fails                       | CHECKED    | \n',
    );
    expect((await tool(target, ['list'], { minor: 13 })).stdout).toBe(
      ' ID                                     | status\n----------------------------------------+------------\n' +
        'hello                                   | APPLIED\n' +
        'data                                    | CHECKED (22, Invalid argument)\n' +
        'expectation-fails                       | CHECKED\n',
    );
  });

  it('passes no control sequence to the terminal', async () => {
    const target = bootHost();
    await target.upload('\x1b[31mred', exampleBytes('hello'));
    expect((await tool(target, ['list'])).stdout).toContain('\n\\x1b[31mred');
  });

  it('uses pages of eleven up to 4.13', async () => {
    const entry = (i: number) => ({ name: `p${i}`, state: 1, rc: 0, metadata: new Uint8Array() });
    const asked: ListRequest[] = [];
    const target = butWith(bootHost(), {
      list: async (request) => {
        asked.push(request);
        const entries = Array.from({ length: Math.min(request.nr, 25 - request.idx) }, (_, i) =>
          entry(request.idx + i),
        );
        const nr = 25 - request.idx - entries.length;
        return {
          kind: 'answered',
          rc: entries.length,
          version: 0,
          nr,
          nameTotalSize: 0,
          metadataTotalSize: 0,
          entries,
        };
      },
    });
    const { stdout } = await tool(target, ['list'], { minor: 13 });
    expect(stdout.trimEnd().split('\n')).toHaveLength(2 + 25);
    expect(asked).toEqual([
      { idx: 0, nr: 11 },
      { idx: 11, nr: 11 },
      { idx: 22, nr: 11 },
    ]);
  });

  const failing = (rc: number, sizes: boolean) => {
    const found = { kind: 'answered', version: 0, nr: 3, nameTotalSize: 9, metadataTotalSize: 0, entries: [] } as const;
    return butWith(bootHost(), {
      list: async ({ nr }) => (nr === 0 && !sizes ? { rc: 0, ...found } : { rc, ...found, nr: 2 }),
    });
  };

  it('reports where it failed, and what the errno means if known', async () => {
    const refused = (stderr: string) => ({ status: 1, stdout: '', stderr });
    expect(await tool(failing(-38, true), ['list'])).toEqual(
      refused('Failed to get list sizes.\nError 38: Function not implemented\nxsplice: no live patching here\n'),
    );
    expect(await tool(failing(-14, false), ['list'])).toEqual(refused('Failed to list 2/3.\nError 14: Bad address\n'));
    expect(await tool(failing(-13, true), ['list'], { minor: 13 })).toEqual(
      refused('Failed to list 0/0.\nError 13: Permission denied\n'),
    );
    expect(await tool(failing(-38, true), ['apply', 'x'])).toMatchObject({ status: 1 });
  });

  it('asks for a retry if the list keeps changing', async () => {
    expect(await tool(failing(1, false), ['list'])).toEqual({
      status: 2,
      stdout: '',
      stderr: 'Failed to list 2/3.\nError 16: Device or resource busy\n',
    });
  });
});

describe('inspect', () => {
  it('reports what runs, what is loaded, and what the key x prints', async () => {
    const target = await hostWith('hello');
    await target.action('hello', 'apply');
    await target.takeConsole();
    const { status, stdout, stderr } = await tool(target, ['inspect']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`Xen       4.18.1\nbuild-id  c0ffee\n\n${HEAD}hello `);
    expect(stdout).toMatch(/\n\n'x' pressed - Dumping all livepatch patches\nbuild-id: .*\n name=hello state=APPLIED/);
    const mute = butWith(target, {});
    expect((await tool(mute, ['inspect'])).stdout).not.toContain('pressed');
  });
});

describe('--json', () => {
  const documentOf = async (...args: Parameters<typeof tool>) => {
    const { status, stdout, stderr } = await tool(...args);
    expect(stderr).toBe('');
    const document = JSON.parse(stdout) as Record<string, unknown>;
    expect(hostSchema.parse(document)).toEqual(document);
    return { status, document };
  };

  it('reports all details of a refusal, and nothing on standard error', async () => {
    for (const words of [
      ['--json', 'load', 'stack.livepatch'],
      ['load', 'stack.livepatch', '--json'],
    ]) {
      const { status, document } = await documentOf(bootHost(), words, { cwd });
      expect(status).toBe(1);
      expect(document).toEqual({
        format: 'xsplice-host/1',
        command: 'load',
        verdict: 'refused',
        hypervisor: { version: '4.18.1', buildId: 'c0ffee' },
        steps: [
          { step: 'upload', name: 'stack', rc: 0, errno: null, state: 'CHECKED' },
          { step: 'apply', name: 'stack', rc: -22, errno: 'EINVAL', state: 'CHECKED' },
          { step: 'unload', name: 'stack', rc: 0, errno: null, state: null },
        ],
        payloads: null,
        dump: null,
        messages: {
          stdout: [
            'Uploading stack.livepatch... completed',
            'Applying stack... failed',
            'Unloading stack... completed',
          ],
          stderr: ['Error 22: Invalid argument'],
        },
        advice: [],
        console: ['livepatch: stack: check against hypervisor build-id failed'],
      });
    }
  });

  it('lists payloads', async () => {
    const { status, document } = await documentOf(await hostWith('hello'), ['list', '--json']);
    expect(status).toBe(0);
    expect(document).toMatchObject({
      verdict: 'done',
      payloads: [
        { name: 'hello', state: 'CHECKED', rc: 0, errno: null, metadata: ['purpose=say hello', 'author=xsplice'] },
      ],
    });
    const inspected = await documentOf(await hostWith('hello'), ['inspect'], { json: true });
    expect(inspected.document['dump']).toContain("'x' pressed - Dumping all livepatch patches");
  });

  it('is parsed as a name in place of a name', async () => {
    const { stderr } = await tool(bootHost(), ['apply', '--json']);
    expect(stderr).toContain('Failed to get status of --json.');
  });

  it('keeps the result of xen-livepatch for "again"', async () => {
    const target = new Pending(await hostWith('hello'));
    const { status, document } = await documentOf(target, ['apply', 'hello', '--json']);
    expect({ status, verdict: document['verdict'] }).toEqual({ status: 2, verdict: 'retry' });
    expect(document['steps']).toEqual([{ step: 'apply', name: 'hello', rc: -11, errno: 'EAGAIN', state: 'CHECKED' }]);
  });
});

describe('the texts of errors', () => {
  it('are those of the C library', () => {
    const program =
      '#include <stdio.h>\n#include <string.h>\nint main() { for (int i = 0; i < 140; i++) puts(strerror(i)); }';
    expect(Array.from({ length: 140 }, (_, i) => strerror(i))).toEqual(runC(program).trimEnd().split('\n'));
  });
});
