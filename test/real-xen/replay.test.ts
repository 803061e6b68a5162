import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { openImage } from '../../src/hypervisor/index.ts';
import { releaseByVersion } from '../../src/xen/index.ts';
import { debianXen } from '../support/debian-xen.ts';
import { cases } from './cases.ts';
import { Elf, XenSyms } from './elf.ts';
import { normaliser } from './normalise.ts';
import { buildPayload } from './payloads.ts';
import { type RecordedCase, replay, unpackPayload } from './replay.ts';

/**
 * Everything that was recorded on the real hypervisor, once more on the simulator: errno, states, every console line, the key
 * `x`, live bytes of the patched functions, the payloads' pages byte by byte, and panics.
 *
 * On the build that was recorded the payloads are those of the recording; on a later package they are built anew, and what
 * depends on the build (absolute addresses inside of pages) is not compared.
 */
const folder = new URL('./recordings/', import.meta.url);
const json = (name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
const recording: { buildId: string; cases: RecordedCase[] } = json('xen-4.17.7.json');
const debugRecording: { cases: RecordedCase[] } = json('debug-4.17.5.json');
const payloadFiles: Record<string, string> = json('payloads-4.17.7.json').files;

const xen = debianXen();
const bytes = new Uint8Array(readFileSync(xen.xenSyms));
const image = openImage(bytes, { gunzip: (data, size) => gunzipSync(data, { maxOutputLength: size }) });
const { release } = releaseByVersion(xen.version) ?? { release: undefined };
const symbols = new XenSyms(new Elf(Buffer.from(bytes)));
const recordedBuild = recording.buildId === xen.buildId;
const scratch = mkdtempSync(join(tmpdir(), 'xsplice-replay-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The case's payload files, and the build-ids by which texts name them. */
function payloadsOf(
  recorded: RecordedCase,
  recordedFiles: boolean,
): { files: Map<string, Uint8Array>; ids: Map<string, string> } {
  const files = new Map<string, Uint8Array>();
  const ids = new Map<string, string>();
  const specs = cases.find(({ name }) => name === recorded.name)?.payloads ?? {};
  for (const [key, spec] of Object.entries(specs)) {
    const sha256 = recorded.payloads[key]?.sha256 ?? '';
    const file = recordedFiles
      ? unpackPayload(payloadFiles[sha256] as string)
      : buildPayload(spec, { xen: symbols, scratch, buildIds: ids, files });
    files.set(key, file);
    try {
      ids.set(key, new Elf(Buffer.from(file)).buildId());
    } catch {
      // So broken that it has none: no text names it.
    }
  }
  return { files, ids };
}

const known = release ?? expect.fail(`no release is known for ${xen.version}`);

describe('the real hypervisor, Debian 4.17.7', () => {
  it('has a recording of every case', () => {
    expect(recording.cases.map(({ name }) => name).sort()).toEqual(cases.map(({ name }) => name).sort());
  });

  it.each(recording.cases.map((recorded) => [recorded.name, recorded] as const))('%s', (_name, recorded) => {
    const { files, ids } = payloadsOf(recorded, recordedBuild);
    const normalise = normaliser(symbols, ids);
    expect(replay(image, known, recorded, { files, normalise, sameBuild: recordedBuild })).toEqual([]);
  });
});

// The payloads are built anew for the image at hand: texts name symbols, so the two builds' addresses do not matter.
describe('a debug build, 4.17.5: what dprintk prints', () => {
  it.each(debugRecording.cases.map((recorded) => [recorded.name, recorded] as const))('%s', (_name, recorded) => {
    const { files, ids } = payloadsOf(recorded, false);
    const normalise = normaliser(symbols, ids);
    expect(replay(image, known, recorded, { files, normalise, sameBuild: false, debugBuild: true })).toEqual([]);
  });
});
