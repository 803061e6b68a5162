import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hex } from '../../src/base/index.ts';
import { gunzip } from '../../src/cli/gunzip.ts';
import { openSimulation, type Simulation } from '../../src/run/index.ts';
import { buildIdOf, buildPayload } from '../../src/synth/payload-builder.ts';
import type { PayloadSpec } from '../../src/synth/payload-spec.ts';
import { type XenFacts, xenFacts } from '../../src/synth/xen-facts.ts';
import { prepareQemu, type QemuHosts } from '../../src/targets/index.ts';
import type { ObservableTarget } from '../../src/xen/index.ts';
import { xenFromSource } from '../support/source-xen.ts';
import { temporaryFolder } from './support.ts';

/** One call, and what to check afterwards. */
type Step =
  | readonly ['upload', name: string, file: Uint8Array]
  | readonly ['apply' | 'revert' | 'unload', name: string]
  | readonly ['peek', symbol: string, length: number]
  | readonly ['dump'];

const env = { ...process.env, TMPDIR: temporaryFolder() };

/** The address of the second mapping depends on the host's other mappings. */
const ALIASES = { arm64: 1n << 30n, arm32: 1n << 28n } as const;

describe.each(['arm64', 'arm32'] as const)('the simulator and a real Xen on %s', (arch) => {
  let simulation: Simulation;
  let xen: XenFacts;
  let hosts: QemuHosts;

  beforeAll(async () => {
    const source = await xenFromSource(arch);
    simulation = openSimulation(readFileSync(source.xenSyms), { gunzip, loglvl: 'all' });
    xen = xenFacts(simulation.image, simulation.release);
    hosts = await prepareQemu({ env, arch });
  }, 1_800_000);

  afterAll(() => {
    expect(simulation.assumed).toEqual([]);
  });

  const build = (spec: PayloadSpec = {}): Uint8Array => buildPayload(spec, { xen });

  /** Returns a target's answers, console lines and panic, up to its death. */
  async function play(target: ObservableTarget, steps: readonly Step[]): Promise<string[]> {
    await target.takeConsole();
    const lines: string[] = [];
    for (const step of steps) {
      lines.push(`${step[0]}: ${await perform(target, step)}`, ...(await target.takeConsole()));
      const panic = await target.panic();
      if (panic === null) continue;
      const { message, errorCode, address } = panic;
      const place = address !== null && address >= ALIASES[arch] ? 'in the second mapping' : address?.toString(16);
      // A last-level table may or may not exist, so do not compare the level.
      const code = place === 'in the second mapping' ? ((errorCode ?? 0) & ~3) >>> 0 : errorCode;
      lines.push(`panic: ${message} ${code?.toString(16)} ${place}`);
      break;
    }
    return lines;
  }

  async function perform(target: ObservableTarget, step: Step): Promise<string> {
    switch (step[0]) {
      case 'upload': {
        const uploaded = await target.upload(step[1], step[2]);
        return uploaded.kind === 'answered' ? String(uploaded.rc) : 'no answer';
      }
      case 'peek':
        return hex((await target.peek(xen.address(step[1]), step[2])) ?? new Uint8Array(0));
      case 'dump':
        await target.dump();
        return '';
      default: {
        const acted = await target.action(step[1], step[0]);
        if (acted.kind === 'no-answer' || (await target.panic()) !== null) return 'no answer';
        const got = await target.get(step[1]);
        return got.kind === 'found' ? `${acted.rc} ${got.state} ${got.statusRc}` : `${acted.rc} ${got.kind}`;
      }
    }
  }

  /** Runs the steps on both, and returns their common result. */
  async function agreed(steps: readonly Step[]): Promise<string[]> {
    const host = await hosts.start();
    try {
      const theirs = await play(host, steps);
      expect(await play(simulation.boot(), steps)).toEqual(theirs);
      return theirs;
    } finally {
      await host.close();
    }
  }

  /** Makes a payload with an alternative of its first instruction. */
  function alternative(feature: number, replacement: string, origLength = replacement.length / 2): PayloadSpec {
    const type = arch === 'arm64' ? 261 : 3;
    const bytes = [feature & 0xff, feature >> 8, origLength, replacement.length / 2];
    const tail = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const fields = [
      { at: 0, symbol: 'lp_new_fn', type },
      { at: 4, symbol: '.altinstr_replacement', type },
    ];
    return {
      sections: [
        { name: '.altinstr_replacement', flags: 'AX', hex: replacement, align: 4 },
        { name: '.altinstructions', flags: 'A', hex: '00'.repeat(8) + tail, align: 4, fields },
      ],
    };
  }

  const nop = arch === 'arm64' ? '1f2003d5' : '0000a0e1';

  it('have the same text after boot', async () => {
    const host = await hosts.start();
    try {
      const { textStart, textEnd } = simulation.image.core;
      const { space } = simulation.boot().hypervisor.machine;
      const piece = 0x1_0000;
      for (let at = textStart; at < textEnd; at += BigInt(piece)) {
        const length = Math.min(piece, Number(textEnd - at));
        expect(hex((await host.peek(at, length)) ?? new Uint8Array(0))).toBe(hex(space.read(at, length)));
      }
    } finally {
      await host.close();
    }
  });

  it('agree on a payload’s life, on NOPs, and on alternatives', async () => {
    const nops = { name: 'xen_minor_version', new: null, newSize: 28, oldSize: 4 };
    const lines = await agreed([
      ['upload', 'a', build({ functions: [{ newSize: 12 }] })],
      ['apply', 'a'],
      ['peek', 'xen_extra_version', 16],
      ['dump'],
      ['revert', 'a'],
      ['peek', 'xen_extra_version', 16],
      ['unload', 'a'],
      ['upload', 'n', build({ functions: [nops] })],
      ['apply', 'n'],
      ['peek', 'xen_minor_version', 32],
      ['revert', 'n'],
      ['upload', 'alt', build(alternative(4, nop))],
      ['apply', 'alt'],
      ['revert', 'alt'],
    ]);
    expect(lines.filter((line) => line.startsWith('apply: '))).toEqual(Array(3).fill('apply: 0 2 0'));
  });

  it('agree on refusals', async () => {
    const wrong = build();
    wrong[18] = 62;
    const table = (name: string): PayloadSpec => ({ sections: [{ name, flags: 'A', hex: '00'.repeat(8) }] });
    const relocation = { name: '.rodata.x', flags: 'A', size: 8, fields: [{ at: 0, symbol: 'lp_new_fn', type: 1 }] };
    const far = { hex: arch === 'arm64' ? '10000000' : '4000000' };
    const lines = await agreed([
      ['upload', 'a', build({ functions: [{ new: null, newSize: 30, oldSize: 64 }] })],
      ['upload', 'b', build(table('.ex_table'))],
      ['upload', 'c', build({ sections: [relocation] })],
      ['upload', 'd', wrong],
      ['upload', 'e', build({ functions: [{ old: far, oldSize: 8 }] })],
      ['upload', 'f', build(table('.bug_frames.3'))],
      ['upload', 'g', build({ functions: [{ oldSize: 3 }] })],
      ['upload', 'h', build(table('.alt_call_sites'))],
    ]);
    const answers = lines.filter((line) => line.startsWith('upload: '));
    expect(answers).toEqual([-95, -95, -95, -95, -75, -22, -22, 0].map((rc) => `upload: ${rc}`));
  });

  const below = (): Uint8Array => build({ modinfo: 'below\0' });
  const above = (): Uint8Array => {
    const functions = [{ name: 'lp_new_fn', old: { hex: 'a02000' }, new: 'other', oldSize: 8 }];
    return build({ code: [{ symbol: 'other', returns: 'x' }], functions, depends: hex(buildIdOf(below())) });
  };
  // A branch to the start of the payload's text, right before the replacement.
  const branch = arch === 'arm64' ? 'ffffff17' : 'fdffffea';

  it.each<readonly [what: string, steps: () => readonly Step[], end: RegExp]>([
    [
      'a payload that patches another one',
      () => [
        ['upload', 'below', below()],
        ['apply', 'below'],
        ['upload', 'above', above()],
        ['apply', 'above'],
      ],
      /^panic: CPU0: Unexpected Trap: Data Abort 9[46]000044 in the second mapping$/,
    ],
    [
      'a function in memory that was freed after boot',
      () => [
        ['upload', 'a', build({ functions: [{ old: { addr: '__init_begin' }, oldSize: 8 }] })],
        ['apply', 'a'],
      ],
      /^panic: CPU0: Unexpected Trap: Data Abort 9[46]000007 2[ab][0-9a-f]000$/,
    ],
    [
      'a hook that is nowhere',
      () => {
        const pointer = `60452301${arch === 'arm64' ? '00000000' : ''}`;
        const hook = { name: '.livepatch.hooks.load', flags: 'A', hex: pointer };
        return [
          ['upload', 'a', build({ functions: [], sections: [hook] })],
          ['apply', 'a'],
        ];
      },
      /^panic: CPU0: Unexpected Trap: (?:Instruction|Prefetch) Abort 8[46]000006 1234560$/,
    ],
    [
      'an alternative that branches to the payload',
      () => [['upload', 'a', build(alternative(4, branch))]],
      /^panic: Xen BUG at arch\/arm\/alternative\.c:\d+ undefined undefined$/,
    ],
    [
      'an alternative of two lengths',
      () => [['upload', 'a', build(alternative(4, nop, 8))]],
      /^panic: Xen BUG at arch\/arm\/alternative\.c:\d+ undefined undefined$/,
    ],
  ])('both die of %s', async (_what, steps, end) => {
    const lines = await agreed(steps());
    expect(lines[lines.length - 1]).toMatch(end);
  });
});
