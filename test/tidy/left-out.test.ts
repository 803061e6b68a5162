import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'xsplice-left-out-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What is left out in an environment. */
function leftOut(env: Record<string, string>): string[] {
  const module = JSON.stringify(new URL('../support/left-out.ts', import.meta.url).href);
  const program = `import { filesLeftOut } from ${module}; console.log(JSON.stringify(filesLeftOut()));`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', program];
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const { CI: _, ...rest } = process.env;
  const said = execFileSync(process.execPath, args, { cwd, encoding: 'utf8', env: { ...rest, ...env } });
  return JSON.parse(said) as string[];
}

describe('the test files that are left out', () => {
  const empty = join(folder, 'empty');
  mkdirSync(empty);

  it('are, offline and with an empty cache, those that need a real Xen', () => {
    const files = leftOut({ XSPLICE_OFFLINE: '1', XSPLICE_CACHE: empty });
    expect(files).toContain('test/targets/qemu.test.ts');
    expect(files).toContain('test/targets/qemu-arm.test.ts');
    expect(files).toContain('test/elf/xen-syms.test.ts');
    expect(files).not.toContain('test/elf/file.test.ts');
    expect(files).not.toContain('test/tidy/left-out.test.ts');
  }, 30_000);

  it('are none otherwise, and none in CI', () => {
    expect(leftOut({ XSPLICE_CACHE: empty })).toEqual([]);
    expect(leftOut({ XSPLICE_OFFLINE: '1', XSPLICE_CACHE: empty, CI: 'true' })).toEqual([]);
  }, 30_000);
});
