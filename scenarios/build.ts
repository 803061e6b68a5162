/**
 * Builds the payloads of the scenarios with plain gcc and ld: `npx tsx scenarios/build.ts`. They fit any hypervisor: `fit:
 * true` adapts them when used. `payloads/*.livepatch` and `payloads/tools.json` are committed;
 * `test/scenario/payloads.test.ts` rebuilds and compares them.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { X86_64 } from '../examples/architectures.ts';
import { readBytes, toolchainOf } from '../examples/toolchain.ts';

/** The toolchain. */
export const TOOLS = toolchainOf(X86_64);

/** Folder of sources and results. */
export const PAYLOADS = fileURLToPath(new URL('payloads/', import.meta.url));

/** Twenty placeholder bytes for a build-id. */
const NO_ID = Array.from({ length: 20 }, () => '0').join(',');
/** The payload without a dependency on a hypervisor. */
const WITHOUT_XEN_DEPENDS = 'no-xen-buildid';

/** Returns payload files by name. Writes only to `work`, an empty folder. */
export function buildPayloads(work: string): Map<string, Uint8Array> {
  const names = readdirSync(PAYLOADS)
    .filter((name) => name.endsWith('.c'))
    .map((name) => name.slice(0, -2))
    .sort();
  return new Map(names.map((name) => [name, buildPayload(name, work)]));
}

function buildPayload(name: string, work: string): Uint8Array {
  TOOLS.compile(`${name}.c`, join(work, 'code.o'), PAYLOADS, X86_64.cflags);
  const notes = [`-DDEPENDS=${NO_ID}`, ...(name === WITHOUT_XEN_DEPENDS ? [] : [`-DXEN_DEPENDS=${NO_ID}`])];
  TOOLS.compile('notes.S', join(work, 'notes.o'), PAYLOADS, notes);
  TOOLS.run('ld', ['-r', '--build-id=sha1', '-o', 'payload', 'code.o', 'notes.o'], work);
  const readOnly = ['--set-section-flags', '.livepatch.funcs=alloc,readonly'];
  TOOLS.run('objcopy', [...readOnly, '--remove-section', '.note.gnu.property', 'payload'], work);
  return readBytes(join(work, 'payload'));
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const work = mkdtempSync(join(tmpdir(), 'xsplice-payloads-'));
  try {
    for (const [name, bytes] of buildPayloads(work)) writeFileSync(join(PAYLOADS, `${name}.livepatch`), bytes);
    writeFileSync(join(PAYLOADS, 'tools.json'), `${JSON.stringify(TOOLS.versions(), null, 2)}\n`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
