/** The example payloads: contents, Xen's reaction, and build options. */
import type { ExampleArch, ExamplePayload, ExpectedVerdict } from '../src/cli/embedded/example.ts';

/** How to make a payload's file. */
export type Recipe = SourceRecipe | DamageRecipe;

/** Compiled from `payloads/NAME.c` by default. */
export interface SourceRecipe {
  readonly from: 'source';
  /** Under `payloads/`. */
  readonly source?: string;
  /** Compiler flags to remove and to add. */
  readonly without?: readonly string[];
  readonly with?: readonly string[];
  /** Leaves `.livepatch.funcs` writable. */
  readonly writableFuncs?: boolean;
  /** `.livepatch.xen_depends` names a nonexistent hypervisor. */
  readonly wrongXenDepends?: boolean;
}

/** A good payload after damage: truncated to 512 bytes, or still compressed. */
export interface DamageRecipe {
  readonly from: 'cut' | 'gzip';
  /** An earlier payload of the catalogue. */
  readonly of: string;
}

/** A payload of one architecture; `name` and `depends` without the architecture. */
export interface CataloguedPayload extends Omit<ExamplePayload, 'arch'> {
  readonly recipe: Recipe;
}

/** A payload on x86-64, and its differences elsewhere. */
interface CatalogueRow extends CataloguedPayload {
  readonly on?: Readonly<Partial<Record<ExampleArch, Partial<CataloguedPayload>>>>;
  /** Only on this architecture. */
  readonly only?: ExampleArch;
}

/** `build.ts` has the release, build-id and name of the hypervisor image. */
const XEN = 'miniature-xen';
const ACCEPTED: ExpectedVerdict = { verdict: 'accepted' };
const SOURCE: Recipe = { from: 'source' };

const refused = (errno: string, ...console: string[]): ExpectedVerdict => ({
  verdict: 'refused',
  action: 'upload',
  errno,
  console,
});

/** The verdict on `expectation-fails`: xen_extra_version() starts with other bytes. */
const unexpected = (actual: string): ExpectedVerdict => ({
  verdict: 'refused',
  action: 'apply',
  errno: 'EINVAL',
  console: [
    `livepatch: xen_extra_version: expectation failed: expected:deadc0, actual:${actual}`,
    'livepatch: expectation-fails: expectations of xen_extra_version failed (rc=-22), aborting!',
  ],
});

/** Applies the same differences to both Arm architectures. */
const onArm = (other: Partial<CataloguedPayload>): NonNullable<CatalogueRow['on']> => ({ arm64: other, arm32: other });

const CATALOGUE: readonly CatalogueRow[] = [
  {
    name: 'hello',
    title: 'replaces one function',
    shows:
      'the smallest useful payload; with its read-only .livepatch.funcs, 4.18.1 applies it and 4.18.0 panics',
    depends: XEN,
    expected: ACCEPTED,
    reappliable: true,
    recipe: SOURCE,
  },
  {
    name: 'writable',
    title: 'hello with a writable .livepatch.funcs',
    shows: 'releases that keep their state in the payload, such as 4.18.0, apply it',
    depends: XEN,
    expected: ACCEPTED,
    reappliable: true,
    recipe: { from: 'source', writableFuncs: true },
  },
  {
    name: 'stack',
    title: 'stacks on top of hello',
    shows: 'a dependency on another payload: applied after hello, reverted before it',
    depends: 'hello',
    expected: ACCEPTED,
    reappliable: true,
    recipe: SOURCE,
  },
  {
    name: 'replace',
    title: 'a cumulative payload',
    shows: 'REPLACE reverts everything applied and applies this in one step',
    depends: XEN,
    expected: ACCEPTED,
    reappliable: true,
    recipe: SOURCE,
  },
  {
    name: 'nop',
    title: 'removes code',
    shows: 'new_addr 0: Xen fills the function with NOPs up to its ret',
    depends: XEN,
    expected: ACCEPTED,
    reappliable: true,
    recipe: SOURCE,
    on: onArm({ shows: 'new_addr 0: Xen fills the function with NOPs, except for the return' }),
  },
  {
    name: 'expectation',
    title: 'checks what it replaces',
    shows: 'an expectation that matches the unpatched function',
    depends: XEN,
    expected: ACCEPTED,
    reappliable: true,
    recipe: SOURCE,
  },
  {
    name: 'data',
    title: 'has variables',
    shows: '.data and .bss: cannot be re-applied after a revert',
    depends: XEN,
    expected: ACCEPTED,
    reappliable: false,
    recipe: SOURCE,
  },
  {
    name: 'hooks',
    title: 'runs code once',
    shows: 'load and unload hooks in writable sections: cannot be re-applied after a revert',
    depends: XEN,
    expected: ACCEPTED,
    reappliable: false,
    recipe: SOURCE,
  },
  {
    name: 'alternatives',
    title: 'code that depends on the CPU',
    shows: '.altinstructions: one feature that is always present, one that may be absent (with CET-IBT on, 4.18.1 panics)',
    depends: XEN,
    expected: ACCEPTED,
    reappliable: true,
    recipe: SOURCE,
    on: onArm({ shows: '.altinstructions: one capability that is always present, one that may be absent' }),
  },
  {
    name: 'static-function',
    title: 'replaces a static function',
    shows: 'FILE#NAME for a name in two files, and a jump placed after ENDBR64',
    depends: XEN,
    expected: ACCEPTED,
    reappliable: true,
    recipe: SOURCE,
    on: onArm({ shows: 'FILE#NAME for a name in two files' }),
  },
  {
    name: 'wrong-build-id',
    title: 'built for another hypervisor',
    shows: '.livepatch.xen_depends does not match the running build-id',
    depends: XEN,
    expected: refused('EINVAL', 'livepatch: wrong-build-id: check against hypervisor build-id failed'),
    reappliable: null,
    recipe: { from: 'source', wrongXenDepends: true },
  },
  {
    name: 'no-depends',
    title: 'has no dependency',
    shows: 'the required section .livepatch.depends is missing',
    depends: null,
    expected: refused('EINVAL', 'livepatch: no-depends: .livepatch.depends is missing'),
    reappliable: null,
    recipe: SOURCE,
  },
  {
    name: 'wrong-version',
    title: 'has the payload version of 4.13',
    shows: 'the version of each entry must match exactly',
    depends: XEN,
    expected: refused('EOPNOTSUPP', 'livepatch: wrong-version: Wrong version (1). Expected 2'),
    reappliable: null,
    recipe: SOURCE,
  },
  {
    name: 'unknown-symbol',
    title: 'calls an undefined function',
    shows: 'Xen looks up undefined symbols in the hypervisor, then in the loaded payloads',
    depends: XEN,
    expected: refused('ENOENT', 'livepatch: unknown-symbol: Unknown symbol: no_such_function'),
    reappliable: null,
    recipe: SOURCE,
  },
  {
    name: 'bad-relocation',
    title: 'built without -fpic',
    shows: 'R_X86_64_32, which the loader does not support',
    depends: XEN,
    expected: refused('EOPNOTSUPP', 'livepatch: bad-relocation: Unhandled relocation 10'),
    reappliable: null,
    recipe: { from: 'source', without: ['-fpic'], with: ['-fno-pic'] },
    on: {
      arm64: {
        title: 'built with -mcmodel=tiny',
        shows: 'R_AARCH64_ADR_PREL_LO21: a distance of 14 MiB in an instruction that reaches 1 MiB',
        expected: refused('EOVERFLOW', 'livepatch: bad-relocation: Overflow in relocation 0 in .rela.text for .text'),
        recipe: { from: 'source', source: 'arm64/bad-relocation.c', with: ['-mcmodel=tiny'] },
      },
      arm32: {
        title: 'built with unwind tables',
        shows: 'R_ARM_PREL31, which the loader does not support',
        expected: refused('EOPNOTSUPP', 'livepatch: bad-relocation: Unhandled relocation #2a'),
        recipe: {
          from: 'source',
          source: 'arm32/bad-relocation.c',
          without: ['-fno-asynchronous-unwind-tables'],
          with: ['-funwind-tables'],
        },
      },
    },
  },
  {
    name: 'odd-branch',
    only: 'arm32',
    title: 'built without -mlong-calls',
    shows: 'a call at an odd distance: Xen clears the lowest bit, so it goes one instruction too low and loses its line',
    depends: XEN,
    expected: { verdict: 'accepted', warnings: ['arm32-branch-mask'] },
    reappliable: true,
    recipe: { from: 'source', source: 'arm32/odd-branch.c', without: ['-mlong-calls'] },
  },
  {
    name: 'common-symbol',
    title: 'built with -fcommon',
    shows: 'a common symbol, which the linker has not allocated',
    depends: XEN,
    expected: refused('EINVAL', 'livepatch: common-symbol: Unexpected common symbol: common_symbol_calls'),
    reappliable: null,
    recipe: { from: 'source', without: ['-fno-common'], with: ['-fcommon'] },
  },
  {
    name: 'old-size-too-small',
    title: 'too small for the jump',
    shows: 'a five-byte jump after the four-byte ENDBR64 overruns eight bytes; Xen does not check',
    depends: XEN,
    expected: refused('EINVAL'),
    reappliable: null,
    recipe: SOURCE,
    on: onArm({ shows: 'a four-byte branch overruns three bytes; Xen does not check' }),
  },
  {
    name: 'expectation-fails',
    title: 'expects other bytes',
    shows: 'loads, but Xen refuses to apply it',
    depends: XEN,
    expected: unexpected('488d05'),
    reappliable: null,
    recipe: SOURCE,
    on: { arm64: { expected: unexpected('000000') }, arm32: { expected: unexpected('6c0301') } },
  },
  {
    name: 'truncated',
    title: 'hello, truncated to 512 bytes',
    shows: 'the section headers are past the end of the file',
    depends: null,
    expected: refused('EINVAL', 'livepatch: truncated: Bogus e_shoff'),
    reappliable: null,
    recipe: { from: 'cut', of: 'hello' },
  },
  {
    name: 'not-elf',
    title: 'hello, still compressed',
    shows: 'a file that is not ELF',
    depends: null,
    expected: refused('EINVAL', 'livepatch: not-elf: Not an ELF payload'),
    reappliable: null,
    recipe: { from: 'gzip', of: 'hello' },
  },
];

/** Returns the payloads of one architecture, in reading order. */
export const catalogueOf = (arch: ExampleArch): CataloguedPayload[] =>
  CATALOGUE.filter(({ only }) => only === undefined || only === arch).map(({ on, only: _, ...row }) => ({
    ...row,
    ...on?.[arch],
  }));
