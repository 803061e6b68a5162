import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { PairsDiff } from '../../src/diff/index.ts';
import type { XenArch } from '../../src/xen/index.ts';
import { exampleBytes } from '../support/examples.ts';
import { withTool } from '../support/gcc.ts';

const TOOLS: Readonly<Record<XenArch, { readonly folder: string; readonly prefix: string }>> = {
  x86_64: { folder: '', prefix: '' },
  arm64: { folder: 'arm64/', prefix: 'aarch64-linux-gnu-' },
  arm32: { folder: 'arm32/', prefix: 'arm-linux-gnueabihf-' },
};

/** Sections that linking adds. */
const ADDED = ['.note.gnu.build-id', '.livepatch.depends', '.livepatch.xen_depends', '.modinfo'];

/** Name of the miniature hypervisor of an architecture among the examples. */
export const xenOf = (arch: XenArch): string => `${TOOLS[arch].folder}miniature-xen`;

/** An example payload as the object that it was before it was linked with its notes. */
export const objectOf = (arch: XenArch, name: string): Uint8Array =>
  withTool(
    `${TOOLS[arch].prefix}objcopy`,
    [...ADDED.flatMap((section) => ['--remove-section', section]), 'in', 'out'],
    { in: exampleBytes(`${TOOLS[arch].folder}${name}`) },
    ({ read }) => read('out'),
  );

/** What a differ would say that found these objects. */
export const builtFrom = (objects: Readonly<Record<string, Uint8Array>>): PairsDiff => ({
  verdict: 'built',
  functions: [],
  refusals: [],
  remarks: [],
  objects: Object.entries(objects).map(([object, bytes]) => ({ object, bytes, debug: null })),
});

/** A folder for temporary files, and the environment that names it: `left()` says what was left there. */
export function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), 'xsplice-build-'));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return { path, env: { ...process.env, TMPDIR: path }, left: () => readdirSync(path) };
}
