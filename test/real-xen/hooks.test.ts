import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { gunzip } from '../../src/cli/gunzip.ts';
import { HOOK_CASES } from '../../src/conform/cases/hooks.ts';
import { PRINTK_CASES } from '../../src/conform/cases/printk.ts';
import { TRAP_CASES } from '../../src/conform/cases/traps.ts';
import { withoutRegisters } from '../../src/conform/compare.ts';
import { bootedFor, type OpenHost } from '../../src/conform/index.ts';
import { observedStage, openSimulation, type SimulationOptions, simulatedStage } from '../../src/run/index.ts';
import { prepareQemu, type QemuHosts } from '../../src/targets/index.ts';
import { debian, openCpu } from '../run/xen.ts';
import { debianXen } from '../support/debian-xen.ts';
import { caseOf, type RecordedStep, readRecording, recordSteps } from './recording.ts';

/** Hooks that ran on Debian's 4.17.7, and on a debug build. */
const recording = readRecording('hooks-4.17.7.json');
const { image, release } = debian;
const recorded = new Map(recording.cases.map((each) => [each.name, each]));
const MINUTE = 60_000;

const recordedCase = (name: string) => recorded.get(name) ?? expect.fail(`no case ${name}`);
const stepsOf = (name: string): readonly RecordedStep[] => recordedCase(name).steps;
const lines = (value: unknown): readonly string[] => (value ?? []) as readonly string[];
const consoleOf = (steps: readonly RecordedStep[]): string[] => steps.flatMap(({ seen }) => lines(seen['console']));
const screenOf = (steps: readonly RecordedStep[]): readonly string[] => lines(steps.at(-1)?.seen['screen']);

/** Without the entries of page tables that are a guest's, or of another host's memory. */
const withoutWalk = (screen: readonly string[]): string[] =>
  withoutRegisters(screen).filter((line) => !/^ L[1-4]\[0x[0-9a-f]{3}\] = /.test(line));

describe('the recording', () => {
  it('has every hook case of conform, with the payloads that conform builds', () => {
    const cases = [...HOOK_CASES, ...TRAP_CASES, ...PRINTK_CASES];
    expect([...recorded.keys()]).toEqual(cases.map(({ name }) => name));
    for (const { name, payloads, steps } of cases) {
      expect(recordedCase(name).payloads, name).toEqual(JSON.parse(JSON.stringify(payloads)));
      expect(stepsOf(name).map(({ step }) => step)).toEqual(steps.slice(0, stepsOf(name).length));
    }
  });

  it('has load and unload hooks in the order of their sections', () => {
    const printed = consoleOf(stepsOf('hook-load-order')).filter((line) => /^(?:un)?load_/.test(line));
    const round = ['load_2', 'load_1', 'load_3', 'unload_2', 'unload_1', 'unload_2'];
    expect(printed).toEqual([...round, ...round]);
  });

  it('has pre hooks that veto with any number, and the payload keeps it', () => {
    for (const result of [-1, -16, 5, -11]) {
      const [, apply] = stepsOf(`hook-preapply-returns-${result}`);
      expect(apply?.seen['rc']).toBe(apply?.seen['status']);
      expect(lines(apply?.seen['console']).at(-1)).toBe(
        `livepatch: p: pre-apply hook failed (rc=${result}), aborting!`,
      );
    }
  });

  it('has a warning that the host survives, and a screen for everything else', () => {
    const [, apply] = stepsOf('hook-warn-load');
    expect(apply?.seen).toMatchObject({ rc: 0, state: 'APPLIED' });
    const printed = lines(apply?.seen['console']);
    const at = printed.indexOf('Xen WARN at some/dir/hooks.c:1234');
    expect(printed[at + 1]).toBe('----[ Xen-4.17.7  x86_64  debug=n  Not tainted ]----');
    expect(printed.at(-1)).toBe('livepatch: p finished APPLY with rc=0');
    for (const name of ['hook-bug', 'hook-assert', 'hook-ud2', 'hook-page-fault-read', 'hook-stack-overflow']) {
      const screen = screenOf(stepsOf(name));
      expect(
        screen.some((line) => line.startsWith('RIP:    e008:[<ffff82d0405b')),
        name,
      ).toBe(true);
    }
  });
});

describe('the simulator', () => {
  const xenSyms = new Uint8Array(readFileSync(debianXen().xenSyms));

  /** Takes a recorded case through a simulated host. */
  async function simulate(name: string, options: SimulationOptions = {}): Promise<RecordedStep[]> {
    const simulation = openSimulation(xenSyms, { gunzip, openCpu, cpu: 'qemu-max', ...options });
    const each = caseOf(recordedCase(name));
    const host = await bootedFor(async () => simulatedStage(simulation))(each);
    try {
      return await recordSteps(host, each, { image: simulation.image, release: simulation.release });
    } finally {
      await host.close();
    }
  }

  // Everything else is compared in replay.test.ts.
  const deaths = recording.cases.filter(({ steps }) => screenOf(steps).length > 0);
  it.each(deaths.map(({ name, steps }) => [name, steps] as const))(
    'prints the same screen: %s',
    async (name, steps) => {
      expect(withoutWalk(screenOf(await simulate(name)))).toEqual(withoutWalk(screenOf(steps)));
    },
  );

  it('prints where it goes on after a fault in a debug build, unless it is a page fault', async () => {
    const fixups = async (name: string): Promise<string[]> =>
      consoleOf(await simulate(name, { debug: true })).filter((line) => line.startsWith('Fixup '));
    const [line, ...more] = await fixups('hook-ex-table-division');
    expect(line).toMatch(/^Fixup #DE\[0000\]: ffff82d0405b0014 \[h\+0x14\/0x\w+ \[p\]\] -> ffff82d0405b[0-9a-f]{4}$/);
    expect(more).toEqual([]);
    expect(await fixups('hook-ex-table-unmapped')).toEqual([]);
  });
});

describe('a debug build', () => {
  const debug = readRecording('hooks-debug-4.17.5.json');
  /** Without what belongs to one build: addresses, sizes of its functions, the version; and what dprintk adds. */
  const plain = (printed: readonly string[]): string[] =>
    withoutRegisters(printed)
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
    steps.forEach(({ step, seen }, i) => {
      expect(step).toEqual(released[i]?.step);
      for (const field of ['rc', 'state', 'status', 'panic']) expect(seen[field]).toEqual(released[i]?.seen[field]);
      expect(plain(lines(seen['console']))).toEqual(plain(lines(released[i]?.seen['console'])));
    });
  });

  it('prints where it goes on after a fault, unless it is a page fault', () => {
    const printed = debug.cases
      .filter(({ name }) => name.startsWith('hook-ex-table-'))
      .map(({ name, steps }) => [
        name.replace('hook-ex-table-', ''),
        consoleOf(steps)
          .filter((line) => line.startsWith('Fixup '))
          .join(),
      ]);
    const fixup = (exception: string) =>
      expect.stringMatching(
        new RegExp(`^Fixup ${exception}\\[0000\\]: [0-9a-f]{16} \\[h\\+0x14/0x\\w+ \\[p\\]\\] -> [0-9a-f]{16}$`),
      );
    expect(Object.fromEntries(printed)).toEqual({
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
      const open: OpenHost = bootedFor(async () =>
        observedStage(await hosts.start(), image, { release: '4.17.7', buildId: null, arch: 'x86_64' }, []),
      );
      const each = caseOf(recordedCase(name));
      const host = await open(each);
      try {
        const steps = await recordSteps(host, each, { image, release });
        const common = (all: readonly RecordedStep[]) =>
          all.map(({ step, seen: { screen: _, ...seen } }) => ({
            step,
            seen: { ...seen, console: withoutRegisters(lines(seen['console'])) },
          }));
        expect(common(steps)).toEqual(common(stepsOf(name)));
      } finally {
        await host.close();
      }
    },
    MINUTE,
  );
});
