import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { gunzip } from '../../src/cli/gunzip.ts';
import { RULES } from '../../src/lint/index.ts';
import { bugTrap } from '../../src/lint/rules/bug-trap.ts';
import { funcsReadOnly } from '../../src/lint/rules/funcs-read-only.ts';
import { nopRange } from '../../src/lint/rules/nop-range.ts';
import { unresolvedSymbol } from '../../src/lint/rules/unresolved-symbol.ts';
import { openSimulation, type Simulation } from '../../src/run/index.ts';
import { buildPayload, fitPayload, type PayloadSpec, xenFacts } from '../../src/synth/index.ts';
import { xenFromSource } from '../support/source-xen.ts';
import { buildArmPayload } from '../targets/support/arm-payload.ts';
import { built, lint, messages } from './support.ts';

const CODE = `
extern int printk(const char *fmt, ...);
static const char *lp_extra(void) { return "-patched"; }
FUNC funcs[2] = {
  { .name = "xen_extra_version", .new_addr = lp_extra, .version = 2 },
  { .name = "xen_minor_version", .version = 2 },
};
`;

describe.each(['arm64', 'arm32'] as const)('rules about payloads of %s', (arch) => {
  let bytes: Uint8Array;
  beforeAll(async () => {
    bytes = readFileSync((await xenFromSource(arch)).xenSyms);
  }, 1_800_000);

  const simulation = (release?: string): Simulation =>
    openSimulation(bytes, { gunzip, ...(release !== undefined && { release }) });
  const build = (spec: PayloadSpec, release?: string): Uint8Array => {
    const { image, release: rules } = simulation(release);
    return buildPayload(spec, { xen: xenFacts(image, rules) });
  };

  it('find nothing in a sound one', async () => {
    const host = simulation();
    const made = buildArmPayload({ arch, c: CODE, depends: '00'.repeat(20) });
    const payload = fitPayload(made, { image: host.image, release: host.release });
    const found = await lint(RULES, payload, { simulation: host });
    expect(found.filter(({ severity }) => severity !== 'note')).toEqual([]);
  });

  it('accept read-only functions, to which no release of Arm writes', async () => {
    for (const release of ['4.14.0', '4.16.3', '4.17.2', '4.18.0']) {
      const given = { simulation: simulation(release) };
      expect(await messages(funcsReadOnly, build({}, release), given)).toHaveLength(1);
      expect(await messages(funcsReadOnly, build({ funcsFlags: 'WA' }, release), given)).toEqual([]);
    }
    expect(await messages(funcsReadOnly, build({}, '4.17.3'), { simulation: simulation('4.17.3') })).toEqual([]);
  });

  it('find the return of a function', async () => {
    const host = simulation();
    const name = 'xen_minor_version';
    const size = xenFacts(host.image, host.release).size(name);
    const nops = (newSize: number) =>
      messages(nopRange, build({ functions: [{ name, new: null, newSize, oldSize: size }] }), { simulation: host });
    expect(await nops(4)).toEqual([]);
    expect((await nops(size))[0]).toContain('runs into the next function');
  });

  it('skip payloads of another machine, which Xen refuses', async () => {
    const strange = built({ code: [{ symbol: 'lp_new_fn', jumpTo: 'no_such_function' }] });
    expect(await messages(unresolvedSymbol, strange)).toHaveLength(1);
    expect(await lint(RULES, strange, { simulation: simulation() })).toEqual([]);
  });

  it('check the trap of a bug frame', async () => {
    const frame = (trap: string): Uint8Array =>
      build({
        code: [{ symbol: 'lp_new_fn', hex: trap }],
        sections: [
          {
            name: '.bug_frames.1',
            flags: 'A',
            size: 16,
            align: 4,
            // R_AARCH64_PREL32, R_ARM_REL32.
            fields: [{ at: 0, symbol: 'lp_new_fn', type: arch === 'arm64' ? 261 : 3 }],
          },
        ],
      });
    const given = { simulation: simulation() };
    expect(await messages(bugTrap, frame(arch === 'arm64' ? '200020d4' : 'f000f0e7'), given)).toEqual([]);
    expect(await messages(bugTrap, frame('00000000'), given)).toHaveLength(1);
  });
});
