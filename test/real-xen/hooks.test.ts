import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { gunzip } from '../../src/cli/gunzip.ts';
import { withoutRegisters } from '../../src/conform/observe.ts';
import { openSimulation, type SimulationOptions } from '../../src/run/index.ts';
import { prepareQemu, type QemuHosts } from '../../src/targets/index.ts';
import { debian, openCpu } from '../run/xen.ts';
import { debianXen } from '../support/debian-xen.ts';
import { comparable, type HookRecording, hookCases, type RecordedHookStep, takeHookCase } from './hooks.ts';

/** Hooks that ran on Debian's 4.17.7: `recordings/hooks-4.17.7.json`, made by `record-hooks.ts`. */
const recording = JSON.parse(
  readFileSync(join(import.meta.dirname, 'recordings/hooks-4.17.7.json'), 'utf8'),
) as HookRecording;
const { image, release } = debian;
const recorded = new Map(recording.cases.map((each) => [each.name, each]));
const MINUTE = 60_000;

const stepsOf = (name: string): readonly RecordedHookStep[] => recorded.get(name)?.steps ?? expect.fail(`no ${name}`);
const linesOf = (name: string): string[] => stepsOf(name).flatMap(({ lines }) => lines);
const screenOf = (name: string): readonly string[] => stepsOf(name).at(-1)?.screen ?? expect.fail(`${name}: no screen`);

describe('the recording', () => {
  it('has every case, with the payloads of today', () => {
    expect([...recorded.keys()]).toEqual(hookCases.map(({ name }) => name));
    for (const { name, payloads } of hookCases)
      expect(recorded.get(name)?.payloads, name).toEqual(JSON.parse(JSON.stringify(payloads)));
  });

  it('is of the hypervisor that the tests have', () => {
    expect(recording.buildId).toBe(debianXen().buildId);
  });

  it('has load and unload hooks in the order of their sections', () => {
    const said = linesOf('hook-load-order').filter((line) => /^(?:un)?load_/.test(line));
    const round = ['load_2', 'load_1', 'load_3', 'unload_2', 'unload_1', 'unload_2'];
    expect(said).toEqual([...round, ...round]);
  });

  it('has pre hooks that veto with any number, and the payload keeps it', () => {
    for (const result of [-1, -16, 5, -11]) {
      const [, apply] = stepsOf(`hook-preapply-returns-${result}`);
      expect(apply?.seen['rc']).toBe(apply?.seen['status']);
      expect(apply?.lines.at(-1)).toBe(`livepatch: p: pre-apply hook failed (rc=${result}), aborting!`);
    }
  });

  it('has a warning that nobody dies of, and a screen for everything else', () => {
    const [, apply] = stepsOf('hook-warn-load');
    expect(apply?.seen).toMatchObject({ rc: 0, state: 'APPLIED' });
    const at = apply?.lines.indexOf('Xen WARN at some/dir/hooks.c:1234') ?? -1;
    expect(apply?.lines[at + 1]).toBe('----[ Xen-4.17.7  x86_64  debug=n  Not tainted ]----');
    expect(apply?.lines.at(-1)).toBe('livepatch: p finished APPLY with rc=0');
    for (const name of ['hook-bug', 'hook-assert', 'hook-ud2', 'hook-page-fault-read', 'hook-stack-overflow']) {
      expect(
        screenOf(name).some((line) => line.startsWith('RIP:    e008:[<ffff82d0405b')),
        name,
      ).toBe(true);
    }
  });
});

/** Without the entries of page tables that are a guest's, or of another host's memory. */
const withoutWalk = (lines: readonly string[]): string[] =>
  withoutRegisters(lines).filter((line) => !/^ L[1-4]\[0x[0-9a-f]{3}\] = /.test(line));

describe('the simulator', () => {
  const xenSyms = new Uint8Array(readFileSync(debianXen().xenSyms));

  /** Takes a recorded case through a simulated host. */
  async function simulate(name: string, options: SimulationOptions = {}): Promise<RecordedHookStep[]> {
    const simulation = openSimulation(xenSyms, { gunzip, openCpu, cpu: 'qemu-max', ...options });
    const target = simulation.boot();
    try {
      const each = hookCases.find((one) => one.name === name) ?? expect.fail(`no case ${name}`);
      return await takeHookCase(target, each, simulation.image, simulation.release);
    } finally {
      await target.close();
    }
  }

  it.each(recording.cases.map(({ name, steps }) => [name, steps] as const))(
    'does, leaves and prints the same: %s',
    async (name, steps) => {
      const simulated = await simulate(name);
      expect(simulated.map(comparable)).toEqual(steps.map(comparable));
      const screens = [simulated, steps].map((all) => withoutWalk(all.at(-1)?.screen ?? []));
      expect(screens[0]).toEqual(screens[1]);
    },
  );

  it('says where it goes on after a fault in a debug build, unless it is a page fault', async () => {
    const fixups = async (name: string): Promise<string[]> =>
      (await simulate(name, { debug: true })).flatMap(({ lines }) => lines).filter((line) => line.startsWith('Fixup '));
    const [line, ...more] = await fixups('hook-ex-table-division');
    expect(line).toMatch(/^Fixup #DE\[0000\]: ffff82d0405b0014 \[h\+0x14\/0x\w+ \[p\]\] -> ffff82d0405b[0-9a-f]{4}$/);
    expect(more).toEqual([]);
    expect(await fixups('hook-ex-table-unmapped')).toEqual([]);
  });
});

describe('a debug build', () => {
  const debug = JSON.parse(
    readFileSync(join(import.meta.dirname, 'recordings/hooks-debug-4.17.5.json'), 'utf8'),
  ) as HookRecording;
  /** Without what belongs to one build: addresses, sizes of its functions, the version; and what dprintk adds. */
  const plain = (lines: readonly string[]): string[] =>
    withoutRegisters(lines)
      .filter((line) => !/^common\/\w+\.c:\d+: |^Fixup /.test(line))
      .map((line) =>
        line
          .replace(/4\.17\.\d+ /, '')
          .replace(/debug=[yn]/, '')
          .replace(/[0-9a-f]{16}/g, '#'),
      )
      .map((line) =>
        line
          .replace(/(xen_\w+|#\w+)\+(0|0x[0-9a-f]+)\/0x[0-9a-f]+/g, '$1+$2')
          .replaceAll(' c2', ' 00')
          .replace(/ e8( \w\w){4}$/, ' e8'),
      );

  it.each(debug.cases.map((each) => [each.name, each] as const))('does and prints the same: %s', (name, { steps }) => {
    const released = stepsOf(name);
    expect(steps.length).toBe(released.length);
    steps.forEach(({ step, seen, lines }, i) => {
      expect(step).toEqual(released[i]?.step);
      for (const field of ['rc', 'state', 'status']) expect(seen[field]).toEqual(released[i]?.seen[field]);
      expect(seen['panic']).toEqual(released[i]?.seen['panic']);
      expect(plain(lines)).toEqual(plain(released[i]?.lines ?? []));
    });
  });

  it('says where it goes on after a fault, unless it is a page fault', () => {
    const said = debug.cases
      .filter(({ name }) => name.startsWith('hook-ex-table-'))
      .map(({ name, steps }) => [
        name.replace('hook-ex-table-', ''),
        steps.flatMap(({ lines }) => lines.filter((line) => line.startsWith('Fixup '))).join(),
      ]);
    const fixup = (exception: string) =>
      expect.stringMatching(
        new RegExp(`^Fixup ${exception}\\[0000\\]: [0-9a-f]{16} \\[h\\+0x14/0x\\w+ \\[p\\]\\] -> [0-9a-f]{16}$`),
      );
    expect(Object.fromEntries(said)).toEqual({
      'not-canonical': fixup('#GP'),
      unmapped: '',
      'unmapped-preapply': '',
      'undefined-instruction': fixup('#UD'),
      division: fixup('#DE'),
      postapply: '',
    });
  });
});

describe('the real host', () => {
  let hosts: QemuHosts;
  beforeAll(async () => {
    hosts = await prepareQemu({});
  }, 5 * MINUTE);

  // Conformance runs all of them; a few show that the recording is not out of date.
  it.each([
    'hook-no-functions',
    'hook-revert-second-try',
    'hook-warn-preapply',
    'hook-page-fault-read',
    'hook-printk-strings',
  ])(
    'does it again: %s',
    async (name) => {
      const host = await hosts.start();
      try {
        const each = hookCases.find((one) => one.name === name) ?? expect.fail();
        const steps = await takeHookCase(host, each, image, release);
        expect(JSON.parse(JSON.stringify(steps.map(comparable)))).toEqual(stepsOf(name).map(comparable));
      } finally {
        await host.close();
      }
    },
    MINUTE,
  );
});

describe('the simulator', () => {
  it.each(hookCases.map((each) => [each.name, each] as const))('does the same: %s', async (name, each) => {
    const steps = await takeHookCase(debian.boot(), each, image, release);
    const real = stepsOf(name).map(comparable);
    const last = steps.at(-1);
    // Without a processor it stops in front of the first hook: everything up to there has to be the same.
    const stopped = last?.seen['hook'] !== undefined;
    const done = stopped ? steps.slice(0, -1) : steps;
    expect(JSON.parse(JSON.stringify(done.map(comparable)))).toEqual(stopped ? real.slice(0, done.length) : real);
    if (stopped) expect(last?.step).toEqual(real[done.length]?.step);
  });
});
