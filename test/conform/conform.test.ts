import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { XspliceError } from '../../src/base/index.ts';
import { CONFORM_CASES } from '../../src/conform/cases/index.ts';
import { observeOptions } from '../../src/conform/conform.ts';
import {
  type BootStage,
  bootedFor,
  type ConformCase,
  conform,
  probeUploadBuffer,
  runsOn,
  stepText,
} from '../../src/conform/index.ts';
import { observe } from '../../src/conform/observe.ts';
import type { Image, SimulatedTarget } from '../../src/hypervisor/index.ts';
import { type Simulation, simulatedStage } from '../../src/run/index.ts';
import { buildPayload } from '../../src/synth/index.ts';
import type { ObservableTarget } from '../../src/xen/index.ts';
import { debian, simulation, xen } from '../run/xen.ts';
import { rcOf } from '../support/answers.ts';

const folder = mkdtempSync(join(tmpdir(), 'xsplice-conform-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { image, release } = debian;
/** Boots a host that does some things differently. */
const booting =
  (from: Simulation, changes: (target: SimulatedTarget) => Partial<ObservableTarget> = () => ({})): BootStage =>
  async () => {
    const target = from.boot();
    const changed = changes(target);
    const { upload, get, list, action, takeConsole, panic, dump, peek, rawSysctl, close } = target;
    const honest = { upload, get, list, action, takeConsole, panic, dump, peek, rawSysctl, close };
    const bound = Object.fromEntries(Object.entries(honest).map(([name, method]) => [name, method.bind(target)]));
    return { ...simulatedStage(from, target), target: { ...bound, ...changed } as ObservableTarget };
  };
const fresh = booting(debian);
const lying = (lies: (target: SimulatedTarget) => Partial<ObservableTarget>): BootStage => booting(debian, lies);
/** Those of the image here. */
const ON_X86 = CONFORM_CASES.filter((each) => runsOn(each, 'x86_64'));

const named = (...names: string[]): ConformCase[] => CONFORM_CASES.filter(({ name }) => names.includes(name));
const run = (real: BootStage, cases: readonly ConformCase[], simulated = fresh, of: Image = image) =>
  conform({ image: of, release, simulated: bootedFor(simulated), real: bootedFor(real), cases });

describe('the cases', () => {
  it('have names of their own', () => {
    const names = CONFORM_CASES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('take two simulated hosts to the same end', async () => {
    const report = await run(fresh, ON_X86);
    expect(report).toEqual({
      format: 'xsplice-conformance/1',
      cases: ON_X86.length,
      agreed: ON_X86.length,
      differences: [],
    });
  });

  it('reach what they are named after: refusals, accepted payloads, panics', async () => {
    const ends = new Map<string, string>();
    for (const each of ON_X86) {
      const target = debian.boot();
      const spec = each.payloads?.['p'];
      const first = each.steps[0];
      if (spec === undefined || first === undefined || !('upload' in first)) continue;
      const rc = rcOf(await target.upload('p', buildPayload(spec, { xen })));
      ends.set(each.name, (await target.panic())?.message.split('\n')[0] ?? String(rc));
    }
    expect(ends.get('good-cycle')).toBe('0');
    expect(ends.get('function-version-1')).toBe('-95');
    expect(ends.get('xen-depends-wrong')).toBe('-22');
    expect(ends.get('symbol-undefined')).toBe('-2');
    expect(ends.get('symbol-overrides-hypervisor')).toBe('-17');
    expect(ends.get('relocation-info-0')).toBe('FATAL PAGE FAULT');
    expect(ends.get('alternatives-feature-672')).toMatch(/^Xen BUG at arch\/x86\/alternative\.c:/);
    const kinds = [...ends.values()];
    expect(kinds.filter((end) => end === '0').length).toBeGreaterThan(50);
    expect(kinds.filter((end) => end.startsWith('-')).length).toBeGreaterThan(70);
    expect(kinds.filter((end) => /^FATAL|^GENERAL|^Xen BUG/.test(end)).length).toBeGreaterThan(5);
  });

  it('have payloads that readelf reads without a complaint, where nothing was changed', () => {
    for (const { name, payloads } of ON_X86) {
      const ids = new Map<string, Uint8Array>(['a', 'b', 'c'].map((key) => [key, new Uint8Array(20)]));
      for (const [key, spec] of Object.entries(payloads ?? {})) {
        if (spec.edits !== undefined || spec.raw !== undefined) continue;
        const file = join(folder, 'payload');
        writeFileSync(file, buildPayload(spec, { xen, ids }));
        const output = execFileSync('readelf', ['-SsrnW', file], {
          encoding: 'latin1',
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        expect(output, `${name}: ${key}`).toMatch(/\.symtab/);
        expect(output, `${name}: ${key}`).not.toMatch(/[Ww]arning|[Ee]rror:/);
      }
    }
  }, 60_000);
});

describe('a host that is not the same', () => {
  const cycle = named('good-cycle');

  it.each([
    ['refuses', 'rc', 'upload p', lying(() => ({ upload: async () => ({ kind: 'answered', rc: -12 }) }))],
    [
      'says another state',
      'state',
      'upload p',
      lying((target) => ({ get: async (name) => ({ ...(await target.get(name)), state: 2 }) })),
    ],
    [
      'says another result',
      'status',
      'upload p',
      lying((target) => ({ get: async (name) => ({ ...(await target.get(name)), statusRc: -16 }) })),
    ],
    [
      'prints less',
      'console',
      'apply p',
      lying((target) => ({
        takeConsole: async () => (await target.takeConsole()).filter((line) => !line.includes('Applying')),
      })),
    ],
    [
      'lists something else',
      'list',
      'list 0 from 0',
      lying((target) => ({ list: async (request) => ({ ...(await target.list(request)), version: 77 }) })),
    ],
    [
      'has other code',
      'live 0x',
      'upload p',
      lying(() => ({ peek: async (_address, length) => new Uint8Array(length) })),
    ],
    [
      'has other pages',
      'pages',
      'upload p',
      lying(() => ({ peek: async (_address, length) => new Uint8Array(length).fill(1) })),
    ],
    ['has no code', 'live 0x', 'upload p', lying(() => ({ peek: async () => null }))],
  ])('%s: the difference is in %s, after %s', async (_what, field, step, real) => {
    const report = await run(real, cycle);
    expect(report.agreed).toBe(0);
    const [difference] = report.differences.filter((each) => each.field.startsWith(field));
    expect(difference, JSON.stringify(report.differences)).toBeDefined();
    const taken = cycle[0]?.steps[(difference?.step ?? 0) - 1];
    expect(taken === undefined ? '' : stepText(taken)).toBe(step);
    expect(difference?.simulated).not.toEqual(difference?.real);
  });

  it('dies: everything else is missing on that side', async () => {
    // 4.18.0 writes to .livepatch.funcs, which is read-only; 82182ad7b4 is in 4.18.1.
    const other = simulation('4.18.0');
    const report = await run(booting(other), cycle);
    expect(report.differences.every(({ step }) => step === report.differences[0]?.step)).toBe(true);
    const byField = new Map(report.differences.map((each) => [each.field, each]));
    expect(byField.get('panic')?.simulated).toBeNull();
    expect(byField.get('panic')?.real).toEqual([
      'FATAL PAGE FAULT',
      'error_code=0003',
      expect.stringMatching(/^address=0x/),
    ]);
    expect(byField.get('rc')).toMatchObject({ simulated: 0, real: null });
  });

  it('ends the case, not the run; and hosts are given back', async () => {
    let open = 0;
    const counted = lying((target) => {
      open++;
      return {
        upload: async (name, payload) => (name === 'p' ? { kind: 'answered', rc: -1 } : target.upload(name, payload)),
        close: async () => void open--,
      };
    });
    const report = await run(counted, named('good-cycle', 'stack-of-three', 'list-empty'));
    expect(report).toMatchObject({ cases: 3, agreed: 2 });
    expect(new Set(report.differences.map((each) => each.case))).toEqual(new Set(['good-cycle']));
    expect(open).toBe(0);
  });

  it('passes on what is wrong with the environment', async () => {
    const broken = lying(() => ({ upload: () => Promise.reject(new XspliceError('ETOOL', 'QEMU is gone')) }));
    await expect(run(broken, cycle)).rejects.toThrow('QEMU is gone');
  });
});

describe('what no image tells', () => {
  const cycle = named('good-cycle');

  it('is the line of the source that a debug build names', async () => {
    const debug = simulation(undefined, true);
    const lines: string[] = [];
    const numbered = booting(debug, (target) => ({
      takeConsole: async () => {
        const taken = (await target.takeConsole()).map((line) => line.replace(/^(common\/\w+\.c): /, '$1:381: '));
        lines.push(...taken);
        return taken;
      },
    }));
    const report = await run(numbered, cycle, booting(debug));
    expect(report.differences).toEqual([]);
    expect(lines.some((line) => line.startsWith('common/livepatch.c:381: livepatch: p: Loaded .text'))).toBe(true);
  });

  it('is what was in a page before, where free pages have a pattern', async () => {
    const behind = image.linker('__2M_rwdata_end') ?? 0n;
    const patterned = lying((target) => ({
      peek: async (address, length) => {
        const bytes = await target.peek(address, length);
        return address < behind ? bytes : (bytes?.map((byte) => (byte === 0 ? 0xc2 : byte)) ?? null);
      },
    }));
    const scrubbing = new Proxy(image, {
      get(of, key) {
        if (key === 'configured') return (option: string) => option === 'CONFIG_SCRUB_DEBUG' || of.configured(option);
        const value: unknown = Reflect.get(of, key, of);
        return typeof value === 'function' ? value.bind(of) : value;
      },
    });
    const cases = named('function-on-own-payload');
    expect((await run(patterned, cases, fresh, scrubbing)).agreed).toBe(1);
    expect((await run(patterned, cases)).agreed).toBe(0);
  });

  it('is what a copy of 4 GiB destroys first; but not that the host dies of it', async () => {
    const panic = { message: 'FATAL PAGE FAULT', errorCode: 0, address: 0x1000n, screen: [] };
    const other = lying((target) => ({ panic: async () => ((await target.panic()) === null ? null : panic) }));
    const alive = lying(() => ({ action: async () => ({ kind: 'answered', rc: 0 }) }));
    const varying = named('nop-endbr-0');
    expect((await run(other, varying)).agreed).toBe(1);
    expect((await run(alive, varying)).agreed).toBe(0);
    const fixed = varying.map((each) => ({ ...each, deathVaries: false }));
    expect((await run(other, fixed)).differences).toMatchObject([{ field: 'panic', simulated: ['reset'] }]);
  });
});

/** What Debian's 4.17.7 did with these; mutants have shown that the simulator did not. */
describe('the real host, once more', () => {
  const uploaded = async (name: string) => {
    const target = debian.boot();
    const spec = named(name)[0]?.payloads?.['p'];
    const rc = rcOf(await target.upload('p', buildPayload(spec ?? expect.fail(`no case ${name}`), { xen })));
    return { target, rc, lines: await target.takeConsole() };
  };

  it('finds resolved symbols where relocations overlap the symbol table', async () => {
    const { rc, lines } = await uploaded('relocation-entries-in-symbol-table');
    expect(rc).toBe(-22);
    expect(lines).toEqual([
      expect.stringMatching(/^livepatch: p: Relative relocation wants symbol@\d+ which is past end$/),
    ]);
  });

  it('dies at the last parent of the heap where an exception table is nowhere', async () => {
    const { target } = await uploaded('exception-table-not-allocated');
    expect(await target.panic()).toMatchObject({ message: 'FATAL PAGE FAULT', errorCode: 0, address: 0x10n });
  });

  it('prints <NULL> for a name in the first page', async () => {
    const { target, rc } = await uploaded('function-name-in-first-page');
    expect(rc).toBe(0);
    await target.dump();
    expect((await target.takeConsole()).filter((line) => line.includes(' patch '))).toEqual([
      expect.stringMatching(/^ {4}<NULL> patch /),
    ]);
  });
});

describe('what a step shows', () => {
  it('is what xen_extra_version returns, through the jumps of a stack', async () => {
    const stage = await fresh();
    const options = observeOptions({ name: 'stack', steps: [] }, image, release);
    const extra = async () => (await observe(stage, { extra: true }, options))?.get('extra');
    const original = await extra();
    expect(original).toMatch(/^\.\d+/);
    await stage.target.upload('a', buildPayload({}, { xen }));
    await stage.target.action('a', 'apply');
    expect(await extra()).toBe('-LIVEPATCHED');
    const second = { code: [{ symbol: 'fn', returns: '-SECOND' }] };
    await stage.target.upload('b', buildPayload(second, { xen }));
    await stage.target.action('b', 'apply', { flags: 1 });
    expect(await extra()).toBe('-SECOND');
    await stage.target.action('b', 'revert');
    await stage.target.action('a', 'revert');
    expect(await extra()).toBe(original);
  });

  it('is where the host keeps the file of an upload', async () => {
    const places = (pages: number) => 0xffff_82c0_0030_0000n + BigInt(pages) * 0x1_0000n;
    const found = await probeUploadBuffer(
      async () => simulatedStage(debian, debian.boot({ uploadBuffer: places })),
      xen,
    );
    expect([1, 2, 3, 4].map(found)).toEqual([1, 2, 3, 4].map(places));
    expect(found(100)).toBe(places(4));
  });
});
