import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gunzip } from '../../src/cli/gunzip.ts';
import type { RehearsalReport } from '../../src/documents/index.ts';
import { checkPayloads, plannedCall, rehearsePayloads, type SimulationOptions } from '../../src/run/index.ts';
import { hook, hookPayload, say, type WriteCode } from '../../src/synth/hook-payload.ts';
import type { PayloadSpec } from '../../src/synth/index.ts';
import { buildPayload } from '../../src/synth/payload-builder.ts';
import { debianXen } from '../support/debian-xen.ts';
import { openCpu, xen } from './xen.ts';

const image = new Uint8Array(readFileSync(debianXen().xenSyms));
const fileOf = (spec: PayloadSpec) => ({ file: 'p.livepatch', name: 'p', bytes: buildPayload(spec, { xen }) });
const rehearse = (spec: PayloadSpec, options: SimulationOptions = {}) =>
  rehearsePayloads(image, [fileOf(spec)], { cpu: 'qemu-max', gunzip, openCpu, ...options });
const calls = (...texts: string[]) => ({ calls: texts.map(plannedCall) });

const NEW: PayloadSpec = { code: [{ symbol: 'lp_new', returns: '-new' }] };
const steps = (report: RehearsalReport) => report.steps.map(({ step, name, outcome }) => `${step} ${name} ${outcome}`);

describe('a rehearsal with calls', () => {
  it('makes them before, while and after a payload is applied', async () => {
    const report = await rehearse(NEW, calls('xen_extra_version() = "-new"', 'xen_minor_version() = 17'));
    expect(report.verdict).toBe('passed');
    expect(report.calls.map((call) => [call.function, call.when, call.returned])).toEqual([
      ['xen_extra_version()', 'before', { int: '0xffff82d0403a053f', string: '.7' }],
      ['xen_minor_version()', 'before', { int: 17, string: null }],
      ['xen_extra_version()', 'applied', { int: expect.any(String) as string, string: '-new' }],
      ['xen_minor_version()', 'applied', { int: 17, string: null }],
      ['xen_extra_version()', 'reverted', { int: '0xffff82d0403a053f', string: '.7' }],
      ['xen_minor_version()', 'reverted', { int: 17, string: null }],
    ]);
    const applied = report.calls[2];
    expect(applied).toMatchObject({ instructions: 3, entered: ['xen_extra_version', 'lp_new [p]'] });
    expect(steps(report).slice(0, 4)).toEqual([
      'call xen_extra_version() called',
      'call xen_minor_version() called',
      'upload p answered',
      'apply p answered',
    ]);
  });

  it('fails if one returns an unexpected value while the payload is applied', async () => {
    const report = await rehearse(NEW, calls('xen_extra_version() = "-other"'));
    expect(report.verdict).toBe('failed');
    expect(report.findings).toContainEqual(
      expect.objectContaining({
        rule: 'call-result',
        message: 'xen_extra_version(): it returned "-new", expected "-other"',
      }),
    );
    expect(report.steps.at(-1)).toMatchObject({
      step: 'call',
      outcome: 'called',
      passed: false,
      rc: null,
      errno: null,
    });
  });

  it('calls a payload’s own function while the payload is loaded', async () => {
    const report = await rehearse(NEW, calls('lp_new() = "-new"'));
    expect(report.calls.map(({ when }) => when)).toEqual(['applied', 'reverted']);
  });

  it('ends with the host if a call kills it', async () => {
    const report = await rehearse({ code: [{ symbol: 'lp_new', hex: '0f0b' }] }, calls('xen_extra_version()'));
    expect(report.verdict).toBe('panicked');
    expect(report.panic?.message).toBe('FATAL TRAP: vector = 6 (invalid opcode)');
    expect(report.panic?.screen).toContainEqual(
      expect.stringMatching(/^RIP: {4}e008:\[<ffff82d0405b0000>\] lp_new\+0\/0x2 \[p\]$/),
    );
    expect(report.calls.at(-1)?.returned).toEqual({ int: null, string: null });
  });

  it('refuses an unknown function, and suggests similar ones', async () => {
    await expect(rehearse(NEW, calls('xen_extra_versio()'))).rejects.toThrow(
      expect.objectContaining({ code: 'EUSAGE', hint: 'did you mean xen_extra_version?' }),
    );
  });
});

const greets =
  (text: string): WriteCode =>
  (code) =>
    say(code.push('rbx'), `<0>${text}\n`).pop('rbx').ret();
const GREETING = hookPayload({ h: greets('hello'), u: greets('bye') }, { load: ['h'], unload: ['u'] }, NEW);

describe('a rehearsal with hooks', () => {
  it('shows what they print in the step', async () => {
    const report = await rehearse(GREETING);
    expect(report.verdict).toBe('passed');
    const printed = (step: string) => report.steps.find((each) => each.step === step)?.console;
    expect(printed('apply')).toContain('hello');
    expect(printed('revert')).toContain('bye');
    expect(report.findings).toEqual([]);
  });

  it('names the variables of the hypervisor that they changed for good', async () => {
    const writes: WriteCode = (code) => code.set('rax', { symbol: 'tainted' }).raw('c60008').ret();
    const report = await rehearse(hookPayload({ h: writes }, { load: ['h'] }, NEW));
    expect(report.verdict).toBe('passed');
    expect(report.findings).toEqual([
      {
        rule: 'data-changed',
        severity: 'note',
        message: "hooks or calls have changed the hypervisor's data for good: tainted",
        where: { file: 'p.livepatch' },
      },
    ]);
  });

  it('is refused by a hook that vetoes, with the reason', async () => {
    const report = await rehearse(hookPayload({ h: hook((code) => code, -16) }, { preapply: ['h'] }, NEW));
    expect(report.verdict).toBe('refused');
    expect(report.steps.at(-1)).toMatchObject({ step: 'apply', rc: -16, errno: 'EBUSY', state: 'CHECKED' });
    expect(report.findings).toContainEqual(expect.objectContaining({ rule: 'hook-veto' }));
  });

  it('accepts functions that an apply hook does not patch', async () => {
    // mov fstate(%rbx), %rax; movl $1, 4(%rax), as in the cases of conform.
    const sets = (state: number): WriteCode => hook((code) => code.raw('488b4370').raw(`c740040${state}000000`));
    const report = await rehearse(hookPayload({ a: sets(1), r: sets(0) }, { apply: ['a'], revert: ['r'] }, NEW));
    expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(report.verdict).toBe('passed');
  });

  it('makes check say unsafe if a hook kills the host', async () => {
    const dies = hookPayload({ h: (code) => code.raw('0f0b') }, { load: ['h'] }, NEW);
    const { payloads } = await checkPayloads(image, [fileOf(dies)], { cpu: 'qemu-max', gunzip, openCpu });
    expect(payloads[0]).toMatchObject({ verdict: 'unsafe' });
    expect(payloads[0]?.console.join('\n')).toContain('FATAL TRAP: vector = 6 (invalid opcode)');
  });
});

describe('without a processor', () => {
  const noCpu = { message: 'cannot load libunicorn 2', hint: 'sudo apt-get install libunicorn2' };
  const without = { openCpu: undefined, noCpu } as unknown as SimulationOptions;

  it('payloads without hooks pass', async () => {
    expect((await rehearse(NEW, without)).verdict).toBe('passed');
  });

  it('a rehearsal stops in front of the first hook, and says what to install', async () => {
    const report = await rehearse(GREETING, without);
    expect(report.verdict).toBe('failed');
    const finding = report.findings.find(({ rule }) => rule === 'hook-not-run');
    expect(finding?.message).toContain('there is no processor to run it on: cannot load libunicorn 2');
    expect(finding?.message).toContain('sudo apt-get install libunicorn2');
  });

  it('a call says what to install', async () => {
    await expect(rehearse(NEW, { ...without, ...calls('xen_extra_version()') })).rejects.toThrow(
      expect.objectContaining({ code: 'ETOOL', hint: 'sudo apt-get install libunicorn2' }),
    );
  });

  it('a check notes the hook that it did not run', async () => {
    const { payloads } = await checkPayloads(image, [fileOf(GREETING)], { cpu: 'qemu-max', gunzip, noCpu });
    expect(payloads[0]).toMatchObject({ verdict: 'accepted' });
    expect(payloads[0]?.findings[0]).toMatchObject({ rule: 'hook-not-run', severity: 'note' });
  });
});
