import { describe, expect, it } from 'vitest';
import { RELEASES, type Release, releaseByVersion, releaseOfImage } from '../../src/xen/index.ts';

const versions = RELEASES.map((release) => release.version);

/** Expands ranges to point releases: `4.14.0-4`, `4.16.1`. */
function expand(ranges: string): string[] {
  return ranges.split(' ').flatMap((range) => {
    const [, branch, first, last] = /^(4\.\d+)\.(\d+)(?:-(\d+))?$/.exec(range) as unknown as string[];
    const from = Number(first);
    const to = last === undefined ? from : Number(last);
    return Array.from({ length: to - from + 1 }, (_, i) => `${branch}.${from + i}`);
  });
}

/** Returns the versions whose release passes a test. */
const having = (test: (release: Release) => boolean): string[] => RELEASES.filter(test).map((r) => r.version);

describe('the rows', () => {
  it('are all point releases', () => {
    expect(versions).toEqual(
      expand(
        '4.11.0-4 4.12.0-4 4.13.0-5 4.14.0-6 4.15.0-7 4.16.0-7 4.17.0-7 4.18.0-6 4.19.0-5 4.20.0-4 4.21.0-2 4.22.0',
      ),
    );
  });
});

/** One line per branch, as in the matrix: for the first and the newest point release, or all by number. */
const BRANCHES = ['4.11', '4.12', '4.13', '4.14', '4.15', '4.16', '4.17', '4.18', '4.19', '4.20', '4.21', '4.22'];
const inBranch = (branch: string): Release[] => RELEASES.filter((r) => r.version.startsWith(`${branch}.`));

/** `y`, `n`, or `.5+` by branch: the first point release with the flag. */
const FLAGS: readonly (readonly [row: string, test: (r: Release) => boolean, cells: string])[] = [
  ['xen_depends required', (r) => r.xenDepends !== 'none', 'n n n y y y y y y y y y'],
  ['funcs or any hook', (r) => !r.funcsRequired, 'n n n y y y y y y y y y'],
  ['pre, post and action hooks', (r) => r.actionHooks, 'n n n y y y y y y y y y'],
  ['.modinfo', (r) => r.modinfo, 'n n n y y y y y y y y y'],
  ['expectations', (r) => r.expectations, 'n n n y y y y y y y y y'],
  ['NODEPS', (r) => r.actionFlags, 'n n n y y y y y y y y y'],
  ['FORCE', (r) => r.opWord === 'flags', 'n n n n n n n n y y y y'],
  ['state outside of the payload', (r) => !r.stateInPayload, 'n n n n n n .3+ .1+ y y y y'],
  ['ENDBR64-aware', (r) => r.endbr !== 'ignored', 'n n n .5+ .3+ .1+ y y y y y y'],
  ['ENDBR64 poison', (r) => r.endbr === 'endbr64-or-poison', 'n n n n n n y y y y y y'],
  ['empty sections placed', (r) => r.emptySectionsPlaced, 'n n n .5+ .3+ .1+ y y y y y y'],
  ['ignored symbols refused', (r) => r.ignoredSymbols, 'n n n .5+ .3+ .1+ y y y y y y'],
  ['resolve before verify', (r) => r.resolveBeforeVerify, 'n n n .5+ .3+ .1+ y y y y y y'],
  ['registered at load', (r) => r.regionRegistered === 'load', 'n n n n n n .4+ .1+ y y y y'],
  ['alternatives range check', (r) => r.alternatives.rangeCheck, 'n n n n n n .4+ y y y y y'],
  ['bad alternatives give errno', (r) => r.alternatives.badEntry === 'errno', 'n n n n n n n .4+ .1+ y y y'],
  ['altcalls in alt_instr', (r) => r.alternatives.altCalls === 'alt_instr', 'n n y y y y y y y y n n'],
  ['altcalls in .alt_call_sites', (r) => r.alternatives.altCalls === 'alt_call_sites', 'n n n n n n n n n n y y'],
  ['altcalls skip ENDBR64', (r) => r.alternatives.altCallSkipsEndbr, 'n n n n n n y y y y y y'],
  ['inverted alternatives', (r) => r.alternatives.inverted, 'n n n n n n .6+ .5+ .3+ .1+ y y'],
  ['priv skips', (r) => r.alternatives.privSkips, 'n n y y y y y y y y y y'],
  ['toolchain NOPs', (r) => r.alternatives.toolchainNops, 'n y y y y y y y y y y y'],
  ['return thunk fix-up', (r) => r.alternatives.returnThunkFixup, 'n n n n n n n n n n y y'],
  ['udb', (r) => r.bugTrap === 'udb', 'n n n n n n n n n n n y'],
  ['four kinds of bug frames on Arm', (r) => r.armRunFn, 'n n n n y y y y y y y y'],
  ['waitqueue check', (r) => r.waitqueueCheck, '.3+ .2+ y y y y y y y y y y'],
  ['idle tasklet', (r) => r.rendezvous === 'tasklet', 'n n .1+ y y y y y y y y y'],
  ['LIST has metadata', (r) => r.listMetadata, 'n n n y y y y y y y y y'],
  ['LIST sizes are IN', (r) => r.listSizesIn, 'n n n n n n n n n n y y'],
  ['errors logged in release builds', (r) => r.errorsLogged === 'printk', 'n n y y y y y y y y y y'],
  ['INFO visible', (r) => r.defaultLogLevel === 'INFO', 'n n n n n n n y y y y y'],
  ['Xen id first', (r) => r.xenDepends === 'before-move', 'n n n n n n n .4+ .1+ y y y'],
  ['build-id errno', (r) => r.buildIdErrno, 'n n n n n n n .4+ .1+ y y y'],
  ['upload buffer for unloaded sections', (r) => r.unloadedSection === 'upload-buffer', 'n n n n n n n .4+ .1+ y y y'],
  ['starts at __2M_rwdata_end', (r) => r.vmapStart === '__2M_rwdata_end', 'n n n n n n y y y y y y'],
  ['low x86 image', (r) => r.x86Layout === '4.14', 'n n n y y y y y y y y y'],
  ['no reason logged for a missing id', (r) => r.missingBuildIdLogged === 0, 'n n n n n n n n n n y y'],
  ['stub recovery pops', (r) => r.stubRecoveryPops, 'n n n n .6+ .6+ .4+ .1+ y y y y'],
];

describe('the matrix of flags', () => {
  it.each(FLAGS)('%s', (_row, test, cells) => {
    const expected = BRANCHES.map((branch, column) => {
      const cell = cells.split(' ')[column] as string;
      const first = cell === 'y' ? 0 : cell === 'n' ? Number.POSITIVE_INFINITY : Number(/^\.(\d+)\+$/.exec(cell)?.[1]);
      return inBranch(branch).map((_, point) => point >= first);
    });
    expect(BRANCHES.map((branch) => inBranch(branch).map(test))).toEqual(expected);
  });

  it('has .livepatch.funcs exempt from re-applying everywhere', () => {
    expect(having((r) => !r.funcsExemptFromReapply)).toEqual([]);
  });
});

/** Members with more than two values, with the releases of each; together all releases. */
const VALUES: readonly (readonly [member: string, get: (r: Release) => unknown, rows: readonly [unknown, string][]])[] =
  [
    [
      'interface version',
      (r) => r.sysctlInterfaceVersion,
      [
        [0x11, '4.11.0-4'],
        [0x12, '4.12.0-4 4.13.0-5'],
        [0x13, '4.14.0-6 4.15.0-7'],
        [0x14, '4.16.0-7'],
        [0x15, '4.17.0-7 4.18.0-6 4.19.0-5 4.20.0-4'],
        [0x16, '4.21.0-2 4.22.0'],
      ],
    ],
    [
      'payload version',
      (r) => r.payloadVersion,
      [
        [1, '4.11.0-4 4.12.0-4 4.13.0-5'],
        [2, '4.14.0-6 4.15.0-7 4.16.0-7 4.17.0-7 4.18.0-6 4.19.0-5 4.20.0-4 4.21.0-2 4.22.0'],
      ],
    ],
    [
      'layout of livepatch_func',
      (r) => r.funcLayout,
      [
        ['v1', '4.11.0-4 4.12.0-4 4.13.0-5'],
        ['v2-applied', '4.14.0-4 4.15.0-2 4.16.0'],
        ['v2-patch-offset', '4.14.5-6 4.15.3-7 4.16.1-7 4.17.0-2 4.18.0'],
        ['v2', '4.17.3-7 4.18.1-6 4.19.0-5 4.20.0-4 4.21.0-2 4.22.0'],
      ],
    ],
    [
      'permission regime',
      (r) => r.permissions,
      [
        ['W1', '4.11.0-4 4.12.0-4 4.13.0-5'],
        ['W2', '4.14.0-6 4.15.0-7 4.16.0-3 4.17.0'],
        ['W3', '4.16.4-7 4.17.1-3 4.18.0-1'],
        ['W4', '4.17.4-7 4.18.2-6 4.19.0-5 4.20.0-4 4.21.0-2 4.22.0'],
      ],
    ],
    [
      'feature limit',
      (r) => r.alternatives.featureLimit,
      [
        [352, '4.11.0-4 4.12.0-4'],
        [416, '4.13.0-5 4.14.0-4 4.15.0-2'],
        [448, '4.16.0'],
        [512, '4.14.5 4.15.3-4 4.16.1-3 4.17.0'],
        [576, '4.16.4 4.17.1'],
        [640, '4.14.6 4.15.5-7 4.16.5-7 4.17.2-5 4.18.0-5 4.19.0-2 4.20.0'],
        [672, '4.17.6-7 4.18.6 4.19.3-5 4.20.1-4 4.21.0'],
        [704, '4.21.1-2 4.22.0'],
      ],
    ],
    [
      'Arm layout',
      (r) => r.armLayout,
      [
        ['4.8', '4.11.0-4 4.12.0-4 4.13.0-5 4.14.0-6 4.15.0-7 4.16.0-7 4.17.0-7'],
        ['4.18', '4.18.0-6'],
        ['4.19', '4.19.0-5 4.20.0-4 4.21.0-2 4.22.0'],
      ],
    ],
  ];

describe('members with several values', () => {
  it.each(VALUES)('%s', (_member, get, rows) => {
    expect(rows.flatMap(([, ranges]) => expand(ranges)).sort()).toEqual([...versions].sort());
    for (const [value, ranges] of rows) {
      expect(having((r) => get(r) === value).sort()).toEqual(expand(ranges).sort());
    }
  });
});

describe('exact lists', () => {
  it('x86 releases that panic with a read-only .livepatch.funcs', () => {
    const panics = having((r) => r.stateInPayload && r.permissions !== 'W1' && r.permissions !== 'W2');
    expect(panics).toEqual(['4.16.4', '4.16.5', '4.16.6', '4.16.7', '4.17.1', '4.17.2', '4.18.0']);
  });

  it('the defect of modify_xen_mappings_lite', () => {
    expect(having((r) => r.liteMappingBug)).toEqual(expand('4.16.4-7 4.17.1-3 4.18.0'));
  });

  it('releases that walk the freed clobber list', () => {
    expect(having((r) => r.alternatives.walksFreedClobberList)).toEqual(expand('4.17.0-3 4.18.0-1'));
  });

  it('releases whose alternative calls may go through freed data', () => {
    expect(having((r) => r.alternatives.altCallInitdata)).toEqual(expand('4.16.0-7 4.17.0-4 4.18.0-2'));
  });

  it('releases whose W2 does not switch CET-IBT off', () => {
    const crashes = having((r) => r.permissions === 'W2' && r.endbr !== 'ignored');
    expect(crashes).toEqual(expand('4.14.5-6 4.15.3-7 4.16.1-3 4.17.0'));
  });

  it('releases that print depend-on-xen', () => {
    expect(having((r) => r.dumpsXenDepends)).toEqual(expand('4.14.0-6 4.15.0-7 4.16.0-7 4.17.0-7 4.18.0-3 4.19.0'));
  });
});

describe('releaseByVersion', () => {
  const found = (version: string) => {
    const match = releaseByVersion(version);
    return match && [match.release.version, match.assumed];
  };

  it('finds point releases', () => {
    for (const version of versions) expect(found(version)).toEqual([version, false]);
  });

  it('takes a bare minor for the newest point release', () => {
    expect(found('4.17')).toEqual(['4.17.7', false]);
    expect(found('4.22')).toEqual(['4.22.0', false]);
  });

  it('assumes the nearest lower point release of a known branch', () => {
    expect(found('4.17.9')).toEqual(['4.17.7', true]);
    expect(found('4.22.1')).toEqual(['4.22.0', true]);
  });

  it.each(['4.10', '4.10.4', '4.23', '4', '', '5.17.7', '4.17.', '4.17.7-rc1', 'x4.17', '4.17.7.1', '4.99999999'])(
    'does not know %j',
    (version) => {
      expect(found(version)).toBeUndefined();
    },
  );
});

describe('releaseOfImage', () => {
  const found = (major: number, minor: number, extra: string) => {
    const match = releaseOfImage(major, minor, extra);
    return match && [match.release.version, match.assumed];
  };

  it('reads extra versions', () => {
    expect(found(4, 17, '.7')).toEqual(['4.17.7', false]);
    expect(found(4, 17, '.5+72-g01140da4e8')).toEqual(['4.17.5', false]);
    expect(found(4, 17, '.6-pre')).toEqual(['4.17.5', true]);
    expect(found(4, 17, '.0-rc')).toEqual(['4.17.0', true]);
    expect(found(4, 21, '.0')).toEqual(['4.21.0', false]);
    expect(found(4, 17, '.12')).toEqual(['4.17.7', true]);
    expect(found(4, 19, '-unstable')).toEqual(['4.19.0', true]);
    expect(found(4, 19, '')).toEqual(['4.19.0', true]);
  });

  it('knows no other branches', () => {
    expect(found(4, 10, '.0')).toBeUndefined();
    expect(found(5, 17, '.0')).toBeUndefined();
    expect(found(4, 23, '-unstable')).toBeUndefined();
  });
});
