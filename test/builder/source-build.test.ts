import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BuildResult } from '../../src/builder/index.ts';
import type { FunctionStatus } from '../../src/documents/index.ts';
import type { QemuHosts } from '../../src/targets/index.ts';
import { type SourceXen, xenFromSource } from '../support/source-xen.ts';
import { processesWith, temporaryFolder } from '../targets/support.ts';
import { type PatchArch, SOURCE_PATCHES, type SourcePatch } from './source-patches/manifest.ts';
import { buildSourcePatch } from './support/build-source-patch.ts';
import { expectLife, sourceHosts } from './support/source-host.ts';

const MINUTES = 60_000;

const temporary = temporaryFolder();
const env = { ...process.env, TMPDIR: temporary };

const sorted = (names: readonly string[] = []): string[] => [...names].sort();

const named = ({ functions }: BuildResult, status: FunctionStatus): string[] =>
  sorted(functions.filter((each) => each.status === status).map(({ name }) => name));

/** Is that what the manifest says of a patch? */
function expectResult(patch: SourcePatch, arch: PatchArch, result: BuildResult): void {
  const { refusal, remark } = patch;
  const refusals = result.refusals.map(({ where, message }) => ({ symbol: where.symbol, message }));
  const told = refusal && { symbol: refusal.symbol, message: expect.stringMatching(refusal.words) };
  expect({ verdict: result.verdict, refusals }).toEqual({
    verdict: patch.expect,
    refusals: told === undefined ? [] : [told],
  });
  // Line numbers are held still.
  expect(named(result, 'line-only')).toEqual([]);
  expect(named(result, 'new')).toEqual(sorted(patch.added));
  if (refusal === undefined) {
    expect(named(result, 'changed')).toEqual(sorted([...patch.changed, ...(patch.alsoChanged?.[arch] ?? [])]));
  }
  const remarks = result.remarks.map(({ message }) => message);
  if (remark !== undefined) expect(remarks).toContainEqual(expect.stringMatching(remark));
  expect(result.verified === null, 'not verified').toBe(patch.expect !== 'built');
}

describe.each(['x86_64', 'arm64'] as const)('a patch against a real hypervisor of %s, built', (arch: PatchArch) => {
  let xen: SourceXen;
  let hosts: QemuHosts;

  beforeAll(async () => {
    xen = await xenFromSource(arch);
    hosts = await sourceHosts(arch, { env });
  }, 20 * MINUTES);

  afterAll(() => {
    expect(processesWith(temporary)).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it.each(SOURCE_PATCHES.filter((patch) => patch.arch.includes(arch)))(
    '$file: $kind, $expect',
    async (patch) => {
      const result = await buildSourcePatch(xen, patch, env);
      expectResult(patch, arch, result);
      if (result.bytes !== null) await expectLife(hosts, result.bytes, patch);
    },
    5 * MINUTES,
  );
});
