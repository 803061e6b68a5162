/**
 * Builds the payloads of the scenarios with plain gcc and ld: `npx tsx scenarios/build.ts`. They are for no particular hypervisor: what depends on
 * one is filled in when they are used (`fit: true`). `payloads/*.livepatch` and `payloads/tools.json` are committed; `test/scenario/payloads.test.ts`
 * builds them again and compares.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { X86_64 } from '../examples/architectures.ts';
import { readBytes, toolchainOf } from '../examples/toolchain.ts';

/** The tools that they are built with. */
export const TOOLS = toolchainOf(X86_64);

/** Where sources and results are. */
export const PAYLOADS = fileURLToPath(new URL('payloads/', import.meta.url));

/** Twenty bytes that a build-id goes in place of. */
const NO_ID = Array.from({ length: 20 }, () => '0').join(',');
/** The one that does not say which hypervisor it is for. */
const WITHOUT_XEN_DEPENDS = 'no-xen-buildid';

/** Payload files by name. `work` is an empty folder; nothing is written elsewhere. */
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
