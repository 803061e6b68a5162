import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gunzip } from '../../src/cli/gunzip.ts';
import { rehearseOnQemu } from '../../src/cli/qemu-stage.ts';
import type { RehearsalReport } from '../../src/documents/index.ts';
import type { PayloadInput } from '../../src/payload/index.ts';
import { rehearsePayloads } from '../../src/run/index.ts';
import { buildPayload } from '../e2e/payload.ts';
import { XenSyms } from '../e2e/xen-syms.ts';
import { debianXen } from '../support/debian-xen.ts';

/** Runs a rehearsal on the simulator and on the real hypervisor, and compares the transcripts byte for byte. */
const { xenSyms, buildId } = debianXen();
const xen = new XenSyms(xenSyms);
const image = new Uint8Array(readFileSync(xenSyms));
const extraVersion = xen.symbol('xen_extra_version');
const changeset = xen.symbol('xen_changeset');

function payload(name: string, c: string, ids: { depends?: string; xenDepends?: string } = {}): PayloadInput {
  const { depends = buildId, xenDepends = buildId } = ids;
  return { file: `${name}.livepatch`, name, bytes: buildPayload({ c, depends, xenDepends }) };
}

const replaces = (name: string, symbol: string, size: number): string => `
  static const char *lp_${name}(void) { return "-${name}"; }
  FUNC lp_func_${name} = { "${symbol}", lp_${name}, 0, 8, ${size}, 2 };`;

const plain = payload('plain', replaces('plain', 'xen_extra_version', extraVersion.size));
const other = payload('other', replaces('other', 'xen_changeset', changeset.size));

const CASES: readonly (readonly [string, readonly PayloadInput[], { replace?: boolean; nodeps?: boolean }])[] = [
  ['one function', [plain], {}],
  ['two payloads, the second without its dependency', [plain, other], { nodeps: true }],
  ['a payload that replaces another', [plain, other], { replace: true }],
  [
    'data, so that it is not applied again',
    [payload('data', `${replaces('data', 'xen_changeset', changeset.size)} int lp_count = 7;`)],
    {},
  ],
  ['NOPs', [payload('nop', `FUNC lp_func_nop = { "xen_changeset", 0, 0, 5, ${changeset.size}, 2 };`)], {}],
  [
    'another hypervisor',
    [payload('foreign', replaces('foreign', 'xen_changeset', 12), { xenDepends: '00'.repeat(20) })],
    {},
  ],
  [
    'an unknown symbol',
    [
      payload(
        'unknown',
        `extern int nobody(void); int lp_calls(void) { return nobody(); }${replaces('unknown', 'xen_changeset', 12)}`,
      ),
    ],
    {},
  ],
  [
    'a stack out of order',
    [payload('orphan', replaces('orphan', 'xen_changeset', 12), { depends: '11'.repeat(20) })],
    {},
  ],
];

/** Keeps what both stages report; only the simulator has findings. */
const transcript = ({ verdict, steps, functions }: RehearsalReport) => ({ verdict, steps, functions });

describe('a rehearsal', () => {
  it.each(CASES)('of %s is the same on the real hypervisor', async (_title, payloads, options) => {
    const simulated = await rehearsePayloads(image, payloads, { ...options, gunzip });
    const real = await rehearseOnQemu(payloads, options);
    expect(transcript(simulated)).toEqual(transcript(real));
    expect(real.xen.buildId).toBe(buildId);
  });
});
