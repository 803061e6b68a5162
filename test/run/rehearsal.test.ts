import { describe, expect, it } from 'vitest';
import { rehearsalSchema } from '../../src/documents/schemas.ts';
import { documentJson } from '../../src/report/index.ts';
import { CHANGESET, id, patch, payloadFor, WRITABLE } from '../hypervisor/state-support.ts';
import { exampleManifest, examplePayload } from '../support/examples.ts';
import { example, outline, rehearse } from './support.ts';

const life = (name: string): string[] => [
  `apply ${name} 0 APPLIED`,
  `verify ${name} verified APPLIED`,
  `revert ${name} 0 CHECKED`,
  `verify ${name} verified CHECKED`,
];

/** A payload's whole life; `twice` where it may be applied again. */
const whole = (name: string, twice: boolean): string[] => [
  `upload ${name} 0 CHECKED`,
  ...life(name),
  ...(twice ? life(name) : []),
  `unload ${name} 0 -`,
  `verify ${name} verified -`,
];

const payloads = exampleManifest.payloads;
const alone = payloads.filter(({ depends }) => depends !== 'hello');

describe('every example', () => {
  it.each(
    alone.filter(({ expected, name }) => expected.verdict === 'accepted' && name !== 'hooks').map(({ name }) => name),
  )('%s passes', async (name) => {
    const report = await rehearse([name]);
    expect(outline(report)).toEqual(whole(name, examplePayload(name).reappliable === true));
    expect(report).toMatchObject({ format: 'xsplice-rehearsal/2', verdict: 'passed', panic: null });
    expect(report.findings.map(({ rule }) => rule)).toEqual(
      examplePayload(name).reappliable === true ? [] : ['not-reappliable'],
    );
  });

  it.each(alone.filter(({ expected }) => expected.verdict === 'refused').map(({ name }) => name))(
    '%s is refused',
    async (name) => {
      const { expected } = examplePayload(name);
      if (expected.verdict !== 'refused') throw new Error('refused');
      const report = await rehearse([name]);
      expect(report).toMatchObject({ verdict: 'refused', panic: null });
      const last = report.steps.at(-1);
      expect(last).toMatchObject({ step: expected.action, errno: expected.errno });
      // INFO lines stand between them.
      expect(last?.console.filter((line) => !line.includes('Verifying'))).toEqual(expected.console);
      expect(report.findings.some(({ severity }) => severity === 'error')).toBe(true);
    },
  );

  it.each(payloads.map(({ name }) => name))('%s: the document is the published one', async (name) => {
    const before = examplePayload(name).depends === 'hello' ? ['hello'] : [];
    for (const release of ['4.18.1', '4.18.0']) {
      const report = await rehearse([...before, name], { release });
      const printed: unknown = JSON.parse(documentJson(report));
      expect(rehearsalSchema.parse(printed)).toEqual(printed);
    }
  });
});

describe('hello', () => {
  it('reports placements, and the bytes before and after', async () => {
    const report = await rehearse(['hello']);
    expect(report.xen).toEqual({
      release: '4.18.1',
      buildId: 'c49cdcc59463c3258acee6ab0ed9fe416cd52dbc',
      arch: 'x86_64',
    });
    const [upload, apply] = report.steps;
    expect(upload?.payload).toEqual({
      text: '0xffff82d040218000',
      rw: '0xffff82d040219000',
      ro: '0xffff82d040219000',
      pages: 2,
    });
    expect(apply?.console).toEqual([
      'livepatch: hello: Verifying enabled expectations for all functions',
      'livepatch: hello: Applying 1 functions',
      'livepatch: module metadata:',
      'livepatch:   purpose=say hello',
      'livepatch:   author=xsplice',
      'livepatch: hello finished APPLY with rc=0',
    ]);
    // From 0xffff82d040200585, behind the jump, to 0xffff82d040218000.
    expect(report.functions).toEqual([
      {
        name: 'xen_extra_version',
        oldAddr: '0xffff82d040200580',
        oldSize: 8,
        newAddr: '0xffff82d040218000',
        newSize: 8,
        patchOffset: 0,
        before: '488d05201e',
        after: 'e97b7a0100',
      },
    ]);
  });

  it('panics under 4.18.0, and the page walk shows why', async () => {
    const report = await rehearse(['hello'], { release: '4.18.0' });
    expect(report.verdict).toBe('panicked');
    expect(outline(report)).toEqual(['upload hello 0 CHECKED', 'apply hello died -']);
    expect(report.xen.release).toBe('4.18.0');
    expect(report.panic).toMatchObject({ message: 'FATAL PAGE FAULT', errorCode: 3 });
    const { address, screen } = report.panic ?? { address: null, screen: [] };
    expect(address).toMatch(/^0xffff82d04021[0-9a-f]{4}$/);
    expect(screen).toContain(`Faulting linear address: ${address?.slice(2)}`);
    // The entry of the page: present, but not writable.
    const entry = screen.find((line) => line.startsWith(' L1['));
    expect(Number.parseInt(entry?.slice(26, 29) ?? '', 16) & 3).toBe(1);
    // What was printed on the way belongs to the step, the screen does not.
    expect(report.steps[1]?.console).toEqual([
      'livepatch: hello: Verifying enabled expectations for all functions',
      'livepatch: hello: Applying 1 functions',
    ]);
    expect(report.functions[0]?.after).toBe(report.functions[0]?.before);
    expect(report.findings.map(({ rule }) => rule)).toContain('host-panic');
  });

  it('passes under 4.18.0 if its functions are writable', async () => {
    expect((await rehearse(['writable'], { release: '4.18.0' })).verdict).toBe('passed');
  });

  it.each(['4.13.5', '4.16.3', '4.17.3', '4.17.7', '4.19.0', '4.22.0'])('under %s', async (release) => {
    const { verdict } = await rehearse(['hello'], { release });
    expect(verdict).toBe(release === '4.13.5' ? 'refused' : 'passed');
  });
});

describe('stacks', () => {
  it('hello and stack are applied, reverted in reverse order, again, and unloaded', async () => {
    const report = await rehearse(['hello', 'stack']);
    const up = [
      'apply hello 0 APPLIED',
      'verify hello verified APPLIED',
      'apply stack 0 APPLIED',
      'verify stack verified APPLIED',
    ];
    const down = [
      'revert stack 0 CHECKED',
      'verify stack verified CHECKED',
      'revert hello 0 CHECKED',
      'verify hello verified CHECKED',
    ];
    expect(report.verdict).toBe('passed');
    expect(outline(report)).toEqual([
      'upload hello 0 CHECKED',
      ...up.slice(0, 2),
      'upload stack 0 CHECKED',
      ...up.slice(2),
      ...down,
      ...up,
      ...down,
      'unload stack 0 -',
      'unload hello 0 -',
      'verify hello verified -',
    ]);
    // What stood there before the second one was applied is the first one's jump.
    const [hello, stacked] = report.functions;
    expect(stacked?.before).toBe(hello?.after);
  });

  it('stack without hello is refused', async () => {
    const report = await rehearse(['stack']);
    expect(outline(report)).toEqual(['upload stack 0 CHECKED', 'apply stack EINVAL CHECKED']);
    expect(report.steps[1]?.console).toEqual(['livepatch: stack: check against hypervisor build-id failed']);
    expect(report.verdict).toBe('refused');
  });

  it('stack without hello passes with NODEPS', async () => {
    expect((await rehearse(['stack'], { nodeps: true })).verdict).toBe('passed');
  });

  it('replace reverts hello', async () => {
    const report = await rehearse(['hello', 'replace'], { replace: true });
    expect(report.verdict).toBe('passed');
    expect(outline(report).slice(0, 7)).toEqual([
      'upload hello 0 CHECKED',
      'apply hello 0 APPLIED',
      'verify hello verified APPLIED',
      'upload replace 0 CHECKED',
      'replace replace 0 APPLIED',
      'verify replace verified APPLIED',
      'revert replace 0 CHECKED',
    ]);
    expect(report.steps[4]?.console[0]).toBe('livepatch: hello: Reverting');
  });

  it('two payloads of one build-id: the second is refused', async () => {
    const report = await rehearse(['hello', { ...example('hello'), name: 'again' }]);
    expect(outline(report).at(-1)).toBe('upload again EEXIST -');
    expect(report.verdict).toBe('refused');
  });
});

describe('the rendezvous', () => {
  it.each([
    [{ cpus: 8 }, 'passed', 0],
    [{ cpus: 4, late: { 2: 20_000_000 } }, 'passed', 0],
    [{ cpus: 4, late: { 2: 40_000_000 } }, 'refused', -16],
    [{ cpus: 4, late: { 2: 40_000_000 }, timeout: 50_000_000 }, 'passed', 0],
    [{ cpus: 2, late: { 1: 9_000 }, timeout: 8_000 }, 'refused', -16],
    [{ cpus: 2, stuck: [1] }, 'refused', -16],
  ] as const)('%j: %s', async (options, verdict, rc) => {
    const report = await rehearse(['hello'], options);
    expect(report.verdict).toBe(verdict);
    expect(report.steps[1]).toMatchObject({ step: 'apply', rc });
  });

  it('names the CPU that did not arrive', async () => {
    const { steps } = await rehearse(['hello'], { cpus: 4, stuck: [1, 3] });
    expect(steps[1]).toMatchObject({ errno: 'EBUSY', state: 'CHECKED' });
    expect(steps[1]?.console.slice(-2)).toEqual([
      'livepatch: hello: Timed out on semaphore in CPU quiesce phase 1/3',
      'livepatch: hello finished APPLY with rc=-16',
    ]);
  });
});

describe('hooks', () => {
  it('end the rehearsal in front of the first one, and it does not pass', async () => {
    const report = await rehearse(['hooks']);
    expect(report.verdict).toBe('failed');
    expect(outline(report)).toEqual(['upload hooks 0 CHECKED', 'apply hooks stopped-at-hook -']);
    const last = report.steps.at(-1);
    expect(last?.rc).toBe(null);
    expect(last?.note).toContain('load hook hooks_on_load');
    expect(last?.console.at(-1)).toBe('livepatch: hooks: Applying 1 functions');
    expect(report.panic).toBe(null);
    expect(report.findings.map(({ rule, severity }) => [rule, severity])).toContainEqual(['hook-not-run', 'error']);
  });
});

describe('verification', () => {
  it('sees what a revert leaves behind', async () => {
    const twice = payloadFor({ buildId: id(5), functions: [patch(CHANGESET), patch(CHANGESET)], funcsFlags: WRITABLE });
    const report = await rehearse([{ file: 'twice.livepatch', name: 'twice', bytes: twice }]);
    expect(report.verdict).toBe('failed');
    expect(outline(report).at(-1)).toBe('verify twice differs CHECKED');
    expect(report.steps.at(-1)?.note).toMatch(/xen_changeset/);
    expect(report.findings.map(({ rule }) => rule)).toContain('verify');
  });

  it('sees a NOP that removes nothing', async () => {
    const functions = [{ name: 'common/kernel.c#dump_state', code: null, newSize: 4, oldSize: 28 }];
    const nothing = payloadFor({ buildId: id(5), functions });
    const report = await rehearse([{ file: 'nothing.livepatch', name: 'nothing', bytes: nothing }]);
    expect(report.verdict).toBe('failed');
  });
});

describe('options', () => {
  it('loglvl and a debug build decide what is printed', async () => {
    const lines = async (options: object) =>
      (await rehearse(['hello'], options)).steps.flatMap(({ console }) => console);
    expect(await lines({ loglvl: 'none' })).toEqual([]);
    expect(await lines({ loglvl: 'error' })).toEqual([]);
    expect(await lines({})).not.toContainEqual(expect.stringContaining('common/livepatch.c: '));
    expect(await lines({ debug: true })).toContainEqual('common/livepatch.c: livepatch: hello: timeout is 30000000ns');
  });

  it.each([
    [{ release: '3.4' }, /unknown release 3.4/],
    [{ cpu: 'z80' }, /unknown processor z80/],
    [{ loglvl: 'loud' }, /loglvl loud is none/],
    [{ cpus: 2, stuck: [2] }, /there is no CPU 2/],
    [{ cpus: 2, late: { 0: 5 } }, /CPU 0 cannot be late/],
  ])('%j is refused', async (options, message) => {
    await expect(rehearse(['hello'], options)).rejects.toThrow(message);
  });

  it('the same input gives the same document', async () => {
    const one = documentJson(await rehearse(['hello', 'stack'], { cpus: 3 }));
    expect(documentJson(await rehearse(['hello', 'stack'], { cpus: 3 }))).toBe(one);
  });

  it('reports its progress', async () => {
    const done: string[] = [];
    await rehearse(['nop'], { progress: (doing) => done.push(doing) });
    expect(done).toEqual(['upload nop', 'apply nop', 'revert nop', 'apply nop', 'revert nop', 'unload nop']);
  });
});
