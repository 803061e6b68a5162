import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadCapstone } from '../../src/disassembler/index.ts';
import { inspectSchema } from '../../src/documents/schemas.ts';
import { inspectPayloads } from '../../src/inspect/inspect.ts';
import { run } from '../cli/support.ts';
import { documentOf, privateFolder, xsplice } from '../e2e/process.ts';
import { examplePath, readBytes, root } from '../support/examples.ts';

const folder = privateFolder();
const hello = examplePath('hello');

describe('xsplice inspect', () => {
  it('loads a disassembler for --disassemble alone', async () => {
    let loaded = 0;
    const engine = {
      inspectPayloads,
      disassembler: () => {
        loaded++;
        return loadCapstone();
      },
    };
    writeFileSync(join(folder, 'hello.livepatch'), readBytes(hello));
    const plain = await run(['inspect', 'hello.livepatch'], { cwd: folder }, engine);
    expect([plain.status, loaded]).toEqual([0, 0]);
    const long = await run(['inspect', 'hello.livepatch', '--disassemble'], { cwd: folder }, engine);
    expect([long.status, loaded]).toEqual([0, 1]);
    const block = /\n\ncode of xen_extra_version\n(?: .*\n)+/.exec(long.stdout)?.[0] ?? '';
    expect(block.split('\n').slice(3, -1)).toEqual([
      '  0  48 8d 05 00 00 00 00  leaq .LC0(%rip), %rax',
      '  7  c3                    retq',
    ]);
    // Nothing else is different.
    expect(long.stdout.replace(block, '\n')).toBe(plain.stdout);
  });

  it('prints the same code as JSON', () => {
    const { status, document } = documentOf('inspect', [hello, '--disassemble', examplePath('not-elf')]);
    expect(status).toBe(1);
    expect(inspectSchema.parse(document)).toEqual(document);
    expect(document.payloads.map(({ functions }) => functions.map(({ code }) => code))).toEqual([
      [
        [
          {
            offset: 0,
            bytes: '488d0500000000',
            text: 'leaq .LC0(%rip), %rax',
            targets: [{ section: '.rodata.str1.1', offset: 0, symbol: '.LC0' }],
          },
          { offset: 7, bytes: 'c3', text: 'retq' },
        ],
      ],
      [],
    ]);
  });

  it('needs the package of the disassembler for nothing else, and says so where it is missing', () => {
    for (const part of ['bin', 'dist/cli']) cpSync(join(root, part), join(folder, part), { recursive: true });
    const program = join(folder, 'bin/xsplice.js');
    expect(xsplice(['inspect', hello], { program })).toEqual(xsplice(['inspect', hello]));
    const { status, stdout, stderr } = xsplice(['inspect', hello, '--disassemble'], { program });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^xsplice: error: cannot load the disassembler: .*\nxsplice: .*capstone-js.*\n$/);
  });
});
