import type { AlternativeRules, PointerFormatRules, Release, X86StateRules } from './release.ts';
import { always, from, type Rule, since, steps, type XenVersion } from './since.ts';

/**
 * The release table: for each member of `Release`, the tags that changed it. To add a point release, raise its branch's number in
 * `NEWEST_POINT`, and add its tag to the changes that were backported to it.
 *
 * Source: Xen's own history. Backports were found by comparing the commits of all RELEASE tags by subject.
 */

/** Newest point release of each branch: 4.11.4 and so on. All from .0 on are tagged. */
const NEWEST_POINT: readonly (readonly [minor: number, point: number])[] = [
  [11, 4],
  [12, 4],
  [13, 5],
  [14, 6],
  [15, 7],
  [16, 7],
  [17, 7],
  [18, 6],
  [19, 5],
  [20, 4],
  [21, 2],
  [22, 0],
];

type Rules<T> = { readonly [K in keyof T]-?: Rule<T[K]> };

const tag = ({ minor, point }: XenVersion): string => `4.${minor}.${point}`;

// ---- changes that several members follow

/** 6974c75180, 5142dc5c25, 0dc1f929e8, 9120b5737f: backported together. */
const endbrSeries = since('4.14.5', '4.15.3', '4.16.1', '4.17.0');
/** 82182ad7b4: the state moves out of `.livepatch.funcs`. */
const privateState = since('4.17.3', '4.18.1', '4.19.0');
/** 8676092a0f: makes text writable page by page. */
const relaxedText = since('4.16.4', '4.17.1', '4.18.0');
/** a57b4074ab, 7c81558208: backported together. */
const regionSeries = since('4.17.4', '4.18.1', '4.19.0');
/** 8c81423038, 86d09d16dd, fa49f4be41, aa5a06d5d6: backported together. */
const buildIdSeries = since('4.18.4', '4.19.1', '4.20.0');
/** Payload version 2 and related changes: 6047104c3c to 5083e0ff93. */
const version2 = since('4.14.0');

const ALTERNATIVES: Rules<AlternativeRules> = {
  // The featureset grows by words: new CPUID leaves, MSRs as features, synthetic words.
  featureLimit: steps(
    352,
    [416, since('4.13.0')],
    [448, since('4.16.0')],
    [512, since('4.14.5', '4.15.3', '4.16.1', '4.17.0')],
    [576, since('4.16.4', '4.17.1', '4.18.0')],
    [640, since('4.14.6', '4.15.5', '4.16.5', '4.17.2', '4.18.0')],
    [672, since('4.17.6', '4.18.6', '4.19.3', '4.20.1', '4.21.0')],
    [704, since('4.21.1', '4.22.0')],
  ),
  // asm-arm/cpufeature.h. If an image's own entries go higher, they take precedence.
  armCapabilities: steps(
    8,
    [10, since('4.14.0')],
    [15, since('4.14.6', '4.15.0')],
    [17, since('4.17.0')],
    [18, since('4.17.5', '4.18.0')],
  ),
  // e74360e4ba
  rangeCheck: since('4.17.4', '4.18.0'),
  // aa5a06d5d6
  badEntry: steps('bug', ['errno', buildIdSeries]),
  // 328ed39c59
  inverted: since('4.17.6', '4.18.5', '4.19.3', '4.20.1', '4.21.0'),
  privSkips: since('4.13.0'),
  // b28cd21c36
  toolchainNops: since('4.12.0'),
  // eabcdd0faa
  returnThunkFixup: since('4.21.0'),
  // 37ed5da851 to 4be1fef1e6
  walksFreedClobberList: from(since('4.17.0'), since('4.17.4', '4.18.2', '4.19.0')),
  // 67d01cdb55, ac02ee9c82
  altCalls: steps('none', ['alt_instr', since('4.13.0')], ['alt_call_sites', since('4.21.0')]),
  // f26bb28594 to af4cd0a6a6
  altCallInitdata: from(since('4.16.0'), since('4.17.5', '4.18.3', '4.19.0')),
  altCallSkipsEndbr: since('4.17.0'),
};

const POINTER_FORMATS: Rules<PointerFormatRules> = {
  domain: since('4.12.0'),
  bitmap: since('4.13.0'),
  // 1ee1441835
  pci: since('4.15.0'),
};

// Read from sources of 4.13, 4.14.6, 4.17.5 and master, and from screens of 4.11.2, 4.12.0, 4.13 before and after its release, 4.16.0,
// 4.20.0 and
// 4.22-unstable. FRED's part of `userRegs` in 4.21.0 is inferred from its last posting; `checkCpuInfo` verifies it against the image.
// The IST pages
// of 4.11 and 4.12 are assumed to be those of 4.13.
const X86_STATE: Rules<X86StateRules> = {
  userRegs: steps('segments', ['fred', since('4.21.0')]),
  stackPages: steps('guard', ['shadow', since('4.14.0')]),
  traceLetters: since('4.13.0'),
  lerSymbols: since('4.12.0'),
};

const RELEASE: Rules<Omit<Release, 'alternatives' | 'pointerFormats' | 'x86State'>> = {
  version: tag,

  sysctlInterfaceVersion: steps(
    0x11,
    [0x12, since('4.12.0')],
    [0x13, since('4.14.0')],
    [0x14, since('4.16.0')],
    [0x15, since('4.17.0')],
    // 4c3ce492ed
    [0x16, since('4.21.0')],
  ),
  payloadVersion: steps(1, [2, version2]),
  funcLayout: steps('v1', ['v2-applied', version2], ['v2-patch-offset', endbrSeries], ['v2', privateState]),
  stateInPayload: from(always(true), privateState),
  // 62a72092a5
  opWord: steps('pad', ['flags', since('4.19.0')]),
  actionFlags: version2,
  listMetadata: version2,
  // 4c3ce492ed
  listSizesIn: since('4.21.0'),

  // 879615f5db, fa49f4be41
  xenDepends: steps('none', ['after-prepare', version2], ['before-move', buildIdSeries]),
  funcsRequired: from(always(true), version2),
  actionHooks: version2,
  modinfo: version2,
  expectations: version2,
  // 86d09d16dd
  buildIdErrno: buildIdSeries,
  // 0dc1f929e8
  emptySectionsPlaced: endbrSeries,
  // 9120b5737f
  ignoredSymbols: endbrSeries,
  // 8c81423038
  unloadedSection: steps('null', ['upload-buffer', buildIdSeries]),
  // 98b728a7b2, 4.8
  funcsExemptFromReapply: always(true),
  // 5142dc5c25
  resolveBeforeVerify: endbrSeries,
  missingBuildIdLogged: steps(-61, [0, since('4.21.0')]),
  // ac661ada11 and the move of XEN_VIRT_START
  x86Layout: steps('4.7', ['4.14', since('4.14.0')]),
  armLayout: steps('4.8', ['4.18', since('4.18.0')], ['4.19', since('4.19.0')]),
  // c182e89d0b
  vmapStart: steps('round-up-end', ['__2M_rwdata_end', since('4.17.0')]),

  // 6974c75180, 89a24719b6
  endbr: steps('ignored', ['endbr64', endbrSeries], ['endbr64-or-poison', since('4.17.0')]),
  // 92167e9430, 8676092a0f, b083b1c393
  permissions: steps('W1', ['W2', since('4.14.0')], ['W3', relaxedText], ['W4', since('4.17.4', '4.18.2', '4.19.0')]),
  // a57b4074ab
  regionRegistered: steps('apply', ['load', regionSeries]),
  // 8676092a0f to 7c81558208
  liteMappingBug: from(relaxedText, regionSeries),
  // ca4cd36682
  waitqueueCheck: since('4.11.3', '4.12.2', '4.13.0'),
  // 1f3dd605ea
  bugTrap: steps('ud2', ['udb', since('4.22.0')]),
  // 3434518d05
  bugFrameBounds: since('4.19.0'),
  // c8d4b6304a
  armRunFn: since('4.15.0'),
  // 91f5f7a915
  stubRecoveryPops: since('4.15.6', '4.16.6', '4.17.4', '4.18.1', '4.19.0'),
  // 005de45c88
  rendezvous: steps('softirq', ['tasklet', since('4.13.1', '4.14.0')]),

  // 4470efeae4, 9e1cfdf3ae
  errorsLogged: steps('dprintk', ['printk', since('4.13.0')]),
  // 8c01f267ef
  defaultLogLevel: steps('WARNING', ['INFO', since('4.18.0')]),
  dumpsXenDepends: from(version2, buildIdSeries),
  buildInfo: since('4.15.0'),
  // From the commit, and from 4.18's changelog.
  vcpuInfoArea: since('4.18.0'),
  armWideRegisters: since('4.16.0'),
};

/** Evaluates the rules for one version. */
function row<T>(rules: Rules<T>, version: XenVersion): T {
  const values: Partial<T> = {};
  for (const member in rules) values[member] = rules[member](version);
  return values as T;
}

function release(version: XenVersion): Release {
  const alternatives = Object.freeze(row(ALTERNATIVES, version));
  const pointerFormats = Object.freeze(row(POINTER_FORMATS, version));
  const x86State = Object.freeze(row(X86_STATE, version));
  return Object.freeze(Object.assign(row(RELEASE, version), { alternatives, pointerFormats, x86State }));
}

const VERSIONS: readonly XenVersion[] = NEWEST_POINT.flatMap(([minor, newest]) =>
  Array.from({ length: newest + 1 }, (_, point) => ({ minor, point })),
);

/** Returns an array that makes each element on first access: a process needs only a row or two. */
function lazyArray<T>(length: number, make: (index: number) => T): readonly T[] {
  const array: T[] = [];
  for (let index = 0; index < length; index++) {
    const get = (): T => {
      const value = make(index);
      Object.defineProperty(array, index, { value, enumerable: true });
      return value;
    };
    Object.defineProperty(array, index, { get, enumerable: true, configurable: true });
  }
  return array;
}

/** Every tagged release since 4.11.0: oldest branch first, point releases in order. */
export const RELEASES: readonly Release[] = lazyArray(VERSIONS.length, (i) => release(VERSIONS[i] as XenVersion));

/** Rows of each branch in {@link RELEASES}, by minor version: index of `.0`, and count. */
export const BRANCHES: ReadonlyMap<number, { readonly first: number; readonly count: number }> = new Map(
  NEWEST_POINT.map(([minor, newest]) => {
    const first = VERSIONS.findIndex((version) => version.minor === minor);
    return [minor, { first, count: newest + 1 }];
  }),
);
