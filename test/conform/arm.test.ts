import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { gunzip } from '../../src/cli/gunzip.ts';
import { loadCapstone } from '../../src/disassembler/index.ts';
import { rehearsalSchema } from '../../src/documents/schemas.ts';
import { inspectPayloads } from '../../src/inspect/index.ts';
import { checkPayloads, openSimulation, rehearsePayloads, type SimulationOptions } from '../../src/run/index.ts';
import { fitPayload } from '../../src/synth/index.ts';
import { openCpu } from '../run/xen.ts';
import { crossAssemble, crossCombine } from '../support/cross.ts';
import { xenFromSource } from '../support/source-xen.ts';
import { buildArmPayload } from '../targets/support/arm-payload.ts';

/** Replaces one function, and takes the first instruction of another away; nothing of it says for which hypervisor. */
const CODE = `
extern int printk(const char *fmt, ...);
static const char *lp_extra(void) { return "-patched"; }
FUNC funcs[2] = {
  { .name = "xen_extra_version", .new_addr = lp_extra, .version = 2 },
  { .name = "xen_minor_version", .version = 2 },
};
`;
const NO_ID = '00'.repeat(20);

describe.each(['arm64', 'arm32'] as const)('payloads of %s', (arch) => {
  let bytes: Uint8Array;
  const options: SimulationOptions = { gunzip };
  const fitted = (code = CODE, assembly = ''): Uint8Array => {
    const { image, release } = openSimulation(bytes, options);
    const made = buildArmPayload({ arch, c: code, depends: NO_ID });
    const file = assembly === '' ? made : crossCombine(arch, [made, crossAssemble(arch, assembly)]);
    return fitPayload(file, { image, release });
  };
  const payload = (file: Uint8Array) => ({ file: 'p.livepatch', name: 'p', bytes: file });

  beforeAll(async () => {
    bytes = readFileSync((await xenFromSource(arch)).xenSyms);
  }, 1_800_000);

  it('are inspected: sections, relocations by name, and code', async () => {
    const report = inspectPayloads([payload(fitted())], { disassembler: await loadCapstone() });
    const [inspected] = report.payloads;
    expect(inspected).toMatchObject({ arch, findings: [] });
    expect(inspected?.functions?.map(({ name, kind, newSize }) => [name, kind, newSize])).toEqual([
      ['xen_extra_version', 'replace', 12],
      ['xen_minor_version', 'nop', 4],
    ]);
    const code = inspected?.functions?.[0]?.code?.map(({ text }) => text.split(/\s/)[0]);
    expect(code).toEqual(arch === 'arm64' ? ['adrp', 'add', 'ret'] : ['movw', 'movt', 'bx']);
    expect(inspected?.relocations?.every(({ handled }) => handled)).toBe(true);
  });

  it('are checked, and what Xen does otherwise than the ABI says is shown', async () => {
    const assembly = {
      arm64: '.section .text.x,"ax",%progbits\n.reloc ., R_AARCH64_TSTBR14, .text+0x9000\ntbz x0, #1, .\n',
      arm32: '.section .text.x,"ax",%progbits\nbl printk\nbl printk\n',
    }[arch];
    const clean = await checkPayloads(bytes, [payload(fitted())], options);
    expect(clean.payloads.map(({ verdict, findings }) => [verdict, findings])).toEqual([['accepted', []]]);
    const quirk = await checkPayloads(bytes, [payload(fitted(CODE, assembly))], options);
    expect(quirk.payloads[0]).toMatchObject({ verdict: 'accepted' });
    const rules = quirk.payloads[0]?.findings.map(({ rule, severity }) => [rule, severity]) ?? [];
    // Of two calls that follow each other, one is at an odd number of words from its target.
    expect(rules).toEqual([[arch === 'arm64' ? 'arm64-tstbr-range' : 'arm32-branch-mask', 'warning']]);
  });

  it('are rehearsed from upload to unload', async () => {
    const report = await rehearsePayloads(bytes, [payload(fitted())], options);
    expect(report.verdict).toBe('passed');
    expect(report.xen).toMatchObject({ arch, release: '4.17.5' });
    const kinds = report.steps.flatMap(({ step, cacheMaintenance = [] }) =>
      cacheMaintenance.map(({ kind, length = 0 }) => `${step} ${kind} ${length}`),
    );
    // The new function and two patched places, and the two again when they are given back.
    const clean = 'clean-invalidate-dcache';
    expect(kinds.slice(0, 7)).toEqual([
      `apply ${clean} 12`,
      `apply ${clean} 4`,
      `apply ${clean} 4`,
      'apply invalidate-icache 0',
      `revert ${clean} 4`,
      `revert ${clean} 4`,
      'revert invalidate-icache 0',
    ]);
    expect(() => rehearsalSchema.parse(report)).not.toThrow();
    expect(report.functions.map(({ name, after }) => [name, after.length])).toEqual([
      ['xen_extra_version', 8],
      ['xen_minor_version', 8],
    ]);
  });

  it('run their hooks, and can be called', async () => {
    const code = `${CODE}
      static void hook(void) { printk("hook\\n"); }
      static void (*const load)(void) __attribute__((section(".livepatch.hooks.load"), used)) = hook;`;
    const without = await rehearsePayloads(bytes, [payload(fitted(code))], options);
    expect(without.findings).toMatchObject([
      { rule: 'hook-not-run', message: expect.stringContaining('no processor') },
    ]);
    const simulation = { ...options, openCpu };
    const report = await rehearsePayloads(bytes, [payload(fitted(code))], simulation);
    expect(report).toMatchObject({ verdict: 'passed', findings: [] });
    expect(report.steps.find(({ step }) => step === 'apply')?.console).toContain('hook');
  });

  it('of the other architecture do not fit, and are refused', async () => {
    const other = arch === 'arm64' ? 'arm32' : 'arm64';
    const file = buildArmPayload({ arch: other, c: CODE, depends: NO_ID });
    const { image, release } = openSimulation(bytes, options);
    expect(() => fitPayload(file, { image, release })).toThrow(
      `the payload is for ${other}, and the hypervisor for ${arch}`,
    );
    const report = await checkPayloads(bytes, [payload(file)], options);
    expect(report.payloads[0]).toMatchObject({ verdict: 'refused' });
  });

  it('run on the processors that are known, and no others', () => {
    const open = (cpu: string) => () => openSimulation(bytes, { ...options, cpu });
    expect(open(arch === 'arm64' ? 'neoverse-n1' : 'cortex-a7')).not.toThrow();
    expect(open('cortex-a57,+smccc-1.1,-livepatch').name).toBe('');
    expect(open('amd-zen4')).toThrow('unknown processor amd-zen4: must be one of cortex-');
    expect(open(`cortex-a${arch === 'arm64' ? 57 : 15},+toString`)).toThrow('unknown processor capability toString');
    expect(open(`cortex-a${arch === 'arm64' ? 57 : 15},sb`)).toThrow('invalid processor setting sb');
  });
});
