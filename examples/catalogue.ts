/** The example payloads: what each is, what Xen does with it, and how it is built where that differs from the rest. */
import type { ExampleArch, ExamplePayload, ExpectedVerdict } from '../src/cli/embedded/example.ts';

/** How a payload's file comes about. */
export type Recipe = SourceRecipe | DamageRecipe;

/** Compiled from `payloads/NAME.c`, unless it says another. */
export interface SourceRecipe {
  readonly from: 'source';
  /** Under `payloads/`. */
  readonly source?: string;
  /** Compiler flags to leave out, and to add. */
  readonly without?: readonly string[];
  readonly with?: readonly string[];
  /** `.livepatch.funcs` stays writable. */
  readonly writableFuncs?: boolean;
  /** `.livepatch.xen_depends` names a hypervisor that does not exist. */
  readonly wrongXenDepends?: boolean;
}

/** What became of a good payload on its way: cut off after 512 bytes, or still compressed. */
export interface DamageRecipe {
  readonly from: 'cut' | 'gzip';
  /** An earlier payload of the catalogue. */
  readonly of: string;
}

/** A payload as one architecture has it; `name` and `depends` without the architecture. */
export interface CataloguedPayload extends Omit<ExamplePayload, 'arch'> {
  readonly recipe: Recipe;
}

/** A payload as x86-64 has it, and what is otherwise elsewhere. */
interface CatalogueRow extends CataloguedPayload {
  readonly on?: Readonly<Partial<Record<ExampleArch, Partial<CataloguedPayload>>>>;
  /** Of this architecture alone. */
  readonly only?: ExampleArch;
}

/** Release, build-id and name of the hypervisor image are in `build.ts`. */
const XEN = 'miniature-xen';
const ACCEPTED: ExpectedVerdict = { verdict: 'accepted' };
const SOURCE: Recipe = { from: 'source' };

const refused = (errno: string, ...console: string[]): ExpectedVerdict => ({
  verdict: 'refused',
  action: 'upload',
  errno,
  console,
});

/** What is said of `expectation-fails`: the first bytes of xen_extra_version() are others. */
const unexpected = (actual: string): ExpectedVerdict => ({
  verdict: 'refused',
  action: 'apply',
  errno: 'EINVAL',
  console: [
    `livepatch: xen_extra_version: expectation failed: expected:deadc0, actual:${actual}`,
    'livepatch: expectation-fails: expectations of xen_extra_version failed (rc=-22), aborting!',
  ],
});

/** The same of both of Arm's. */
const onArm = (other: Partial<CataloguedPayload>): NonNullable<CatalogueRow['on']> => ({ arm64: other, arm32: other });

const CATALOGUE: readonly CatalogueRow[] = [
  {
    name: 'hello',
    title: 'replaces one function',
    shows:
      'the smallest useful payload; its .livepatch.funcs is read-only, so that 4.18.1 applies it and 4.18.0 panics',
    depends: XEN,
    expected: ACCEPTED,
    reappliable: true,
    recipe: SOURCE,
  },
  {
    name: 'writable',
    title: 'hello with a writable .livepatch.funcs',
    shows: 'releases that keep their state in the payload, 4.18.0 included, apply it',
    depends: XEN,
    expected: ACCEPTED,
    reappliable: true,
    recipe: { from: 'source', writableFuncs: true },
  },
  {
    name: 'stack',
    title: 'goes on top of hello',
    shows: 'a dependency on another payload: applied after hello, reverted before it',
    depends: 'hello',
    expected: ACCEPTED,
    reappliable: true,
    recipe: SOURCE,
  },
  {
    name: 'replace',
    title: 'a cumulative payload',
    shows: 'REPLACE: everything applied is reverted and this is applied in one go',
    depends: XEN,
    expected: ACCEPTED,
    reappliable: true,
    recipe: SOURCE,
  },
  {
    name: 'nop',
    title: 'removes code',
    shows: 'new_addr 0: the function is filled with NOPs up to its ret',
    depends: XEN,
    expected: ACCEPTED,
    reappliable: true,
    recipe: SOURCE,
    on: onArm({ shows: 'new_addr 0: the function is filled with NOPs, but for the return' }),
  },
  {
    name: 'expectation',
    title: 'checks what it replaces',
    shows: 'an expectation that holds on the unpatched function',
    depends: XEN,
    expected: ACCEPTED,
    reappliable: true,
    recipe: SOURCE,
  },
  {
    name: 'data',
    title: 'has variables',
    shows: '.data and .bss: after a revert it cannot be applied again',
    depends: XEN,
    expected: ACCEPTED,
    reappliable: false,
    recipe: SOURCE,
  },
  {
    name: 'hooks',
    title: 'runs code once',
    shows: 'load and unload hooks; their sections are writable, so after a revert it cannot be applied again',
    depends: XEN,
    expected: ACCEPTED,
    reappliable: false,
    recipe: SOURCE,
  },
  {
    name: 'alternatives',
    title: 'code that depends on the CPU',
    shows: '.altinstructions: one feature that is always there, one that may be absent (with CET-IBT on, 4.18.1 panics)',
    depends: XEN,
    expected: ACCEPTED,
    reappliable: true,
    recipe: SOURCE,
    on: onArm({ shows: '.altinstructions: one capability that is always there, one that may be absent' }),
  },
  {
    name: 'static-function',
    title: 'replaces a static function',
    shows: 'FILE#NAME for a name that two files have, and the jump behind ENDBR64',
    depends: XEN,
    expected: ACCEPTED,
    reappliable: true,
    recipe: SOURCE,
    on: onArm({ shows: 'FILE#NAME for a name that two files have' }),
  },
  {
    name: 'wrong-build-id',
    title: 'made for another hypervisor',
    shows: '.livepatch.xen_depends against the build-id that runs',
    depends: XEN,
    expected: refused('EINVAL', 'livepatch: wrong-build-id: check against hypervisor build-id failed'),
    reappliable: null,
    recipe: { from: 'source', wrongXenDepends: true },
  },
  {
    name: 'no-depends',
    title: 'says not what it goes on top of',
    shows: 'a section that has to be there is not',
    depends: null,
    expected: refused('EINVAL', 'livepatch: no-depends: .livepatch.depends is missing'),
    reappliable: null,
    recipe: SOURCE,
  },
  {
    name: 'wrong-version',
    title: 'speaks the version of 4.13',
    shows: 'the version of each entry is matched exactly',
    depends: XEN,
    expected: refused('EOPNOTSUPP', 'livepatch: wrong-version: Wrong version (1). Expected 2'),
    reappliable: null,
    recipe: SOURCE,
  },
  {
    name: 'unknown-symbol',
    title: 'calls what does not exist',
    shows: 'undefined symbols are looked up in the hypervisor, then in the loaded payloads',
    depends: XEN,
    expected: refused('ENOENT', 'livepatch: unknown-symbol: Unknown symbol: no_such_function'),
    reappliable: null,
    recipe: SOURCE,
  },
  {
    name: 'bad-relocation',
    title: 'built without -fpic',
    shows: 'R_X86_64_32, which the loader does not know',
    depends: XEN,
    expected: refused('EOPNOTSUPP', 'livepatch: bad-relocation: Unhandled relocation 10'),
    reappliable: null,
    recipe: { from: 'source', without: ['-fpic'], with: ['-fno-pic'] },
    on: {
      arm64: {
        title: 'built with -mcmodel=tiny',
        shows: 'R_AARCH64_ADR_PREL_LO21: a distance of 14 MiB in an instruction that has room for one',
        expected: refused('EOVERFLOW', 'livepatch: bad-relocation: Overflow in relocation 0 in .rela.text for .text'),
        recipe: { from: 'source', source: 'arm64/bad-relocation.c', with: ['-mcmodel=tiny'] },
      },
      arm32: {
        title: 'built with unwind tables',
        shows: 'R_ARM_PREL31, which the loader does not know',
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
    shows: 'a call at an odd distance: Xen clears the lowest bit, it goes one instruction too low, and its line is lost',
    depends: XEN,
    expected: { verdict: 'accepted', warnings: ['arm32-branch-mask'] },
    reappliable: true,
    recipe: { from: 'source', source: 'arm32/odd-branch.c', without: ['-mlong-calls'] },
  },
  {
    name: 'common-symbol',
    title: 'built with -fcommon',
    shows: 'a variable that nobody has given a place',
    depends: XEN,
    expected: refused('EINVAL', 'livepatch: common-symbol: Unexpected common symbol: common_symbol_calls'),
    reappliable: null,
    recipe: { from: 'source', without: ['-fno-common'], with: ['-fcommon'] },
  },
  {
    name: 'old-size-too-small',
    title: 'has no room for the jump',
    shows: 'five bytes of jump behind four of ENDBR64 do not go into eight; Xen says nothing',
    depends: XEN,
    expected: refused('EINVAL'),
    reappliable: null,
    recipe: SOURCE,
    on: onArm({ shows: 'the four bytes of a branch do not go into three; Xen says nothing' }),
  },
  {
    name: 'expectation-fails',
    title: 'expects what is not there',
    shows: 'loads, and is refused when it is applied',
    depends: XEN,
    expected: unexpected('488d05'),
    reappliable: null,
    recipe: SOURCE,
    on: { arm64: { expected: unexpected('000000') }, arm32: { expected: unexpected('6c0301') } },
  },
  {
    name: 'truncated',
    title: 'hello, cut off after 512 bytes',
    shows: 'the section headers are past the end of the file',
    depends: null,
    expected: refused('EINVAL', 'livepatch: truncated: Bogus e_shoff'),
    reappliable: null,
    recipe: { from: 'cut', of: 'hello' },
  },
  {
    name: 'not-elf',
    title: 'hello, still compressed',
    shows: 'a file that is something else',
    depends: null,
    expected: refused('EINVAL', 'livepatch: not-elf: Not an ELF payload'),
    reappliable: null,
    recipe: { from: 'gzip', of: 'hello' },
  },
];

/** The payloads of one architecture, in the order to read them in. */
export const catalogueOf = (arch: ExampleArch): CataloguedPayload[] =>
  CATALOGUE.filter(({ only }) => only === undefined || only === arch).map(({ on, only: _, ...row }) => ({
    ...row,
    ...on?.[arch],
  }));
