import { describe, expect, it } from 'vitest';
import { type PatchingHost, type Permission, X86_64 } from '../../src/arch/index.ts';
import { RELEASES } from '../../src/xen/index.ts';
import { release, Stopped } from './support.ts';

const region = (name: string, from: bigint) => ({
  name,
  textStart: from,
  textEnd: from + 1n,
  rodataStart: from + 2n,
  rodataEnd: from + 3n,
});
const kind = ({ write, execute }: Permission): string => `R${write ? 'W' : ''}${execute ? 'X' : ''}`;

function host(cet: PatchingHost['cet'] = { shadowStacks: false, indirectBranchTracking: false }) {
  const calls: string[] = [];
  const patching: PatchingHost = {
    writeProtect: true,
    cet,
    regions: [region('xen', 0x10n), region('payload', 0x20n)],
    modifyMappingsLite: (start, end, permission) => {
      calls.push(`${start.toString(16)}-${end.toString(16)} ${kind(permission)}`);
    },
    textAlias: null,
    mapTextAlias: () => calls.push('alias') > 0,
    unmapTextAlias: () => {
      calls.push('no alias');
    },
    invalidateInstructionCache: () => {
      calls.push('icache');
    },
    harm: (rule) => {
      calls.push(rule);
    },
    assertionFails: (_where, condition) => {
      calls.push(`ASSERT(${condition})`);
    },
    raise: (vector) => {
      throw new Stopped(X86_64.execution.exceptions.get(vector)?.mnemonic ?? `${vector}`);
    },
  };
  return { patching, calls };
}

describe('the patching window', () => {
  /** The first release of each regime: W1, W2, W3, W4. */
  const REGIMES: readonly (readonly [from: string, regime: string])[] = [
    ['4.11.0', 'W1'],
    ['4.14.0', 'W2'],
    ['4.16.4', 'W3'],
    ['4.17.0', 'W2'],
    ['4.17.1', 'W3'],
    ['4.17.4', 'W4'],
    ['4.18.0', 'W3'],
    ['4.18.2', 'W4'],
  ];
  const order = (version: string) => version.split('.').reduce((sum, part) => sum * 100 + Number(part), 0);
  const regimeOf = (version: string) => REGIMES.filter(([from]) => order(from) <= order(version)).at(-1)?.[1] as string;

  it.each(RELEASES.map(({ version }) => version))('of %s opens and closes by its regime', (version) => {
    const { patching, calls } = host();
    const regime = regimeOf(version);
    expect(X86_64.quiesce(patching, release(version))).toBeNull();
    expect(patching.writeProtect).toBe(regime === 'W3' || regime === 'W4');
    const opened = {
      W1: [],
      W2: [],
      W3: ['10-11 RWX', '20-21 RWX'],
      W4: ['10-11 RWX', '12-13 RW', '20-21 RWX', '22-23 RW'],
    }[regime];
    expect(calls).toEqual(opened);
    calls.length = 0;
    X86_64.revive(patching, release(version));
    expect(patching.writeProtect).toBe(true);
    const closed = {
      W1: [],
      W2: [],
      W3: ['10-11 RX', '20-21 RX'],
      W4: ['10-11 RX', '12-13 R', '20-21 RX', '22-23 R'],
    }[regime];
    expect(calls).toEqual(closed);
  });

  it('raises #GP if CR4.CET stays set for branch tracking alone', () => {
    const ibt = { shadowStacks: false, indirectBranchTracking: true };
    const dies = RELEASES.filter(({ version }) => {
      try {
        X86_64.quiesce(host(ibt).patching, release(version));
        return false;
      } catch {
        return true;
      }
    }).map(({ version }) => version);
    const expected = [
      '4.14.5',
      '4.14.6',
      '4.15.3',
      '4.15.4',
      '4.15.5',
      '4.15.6',
      '4.15.7',
      '4.16.1',
      '4.16.2',
      '4.16.3',
      '4.17.0',
    ];
    expect(dies).toEqual(expected);
    const both = { shadowStacks: true, indirectBranchTracking: true };
    for (const version of expected) expect(X86_64.quiesce(host(both).patching, release(version))).toBeNull();
  });
});
