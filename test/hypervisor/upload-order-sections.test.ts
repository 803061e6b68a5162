import { describe, expect, it } from 'vitest';
import { SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE } from '../../src/elf/index.ts';
import { EXTRA_VERSION, id, patch, payloadFor, type StatePayload } from './state-support.ts';
import { bootHost, upload } from './support.ts';
import { type Case, more, OK, run } from './upload-case.ts';

/** Every refusal of facts 2.3 and 2.7 to 2.10 that the order tests lack, one at a time. */

const flagged = (flags: number): StatePayload =>
  more((builder) => builder.writer.section('.odd', { flags, data: new Uint8Array(8) }));

const SPECIAL: readonly Case[] = [
  { what: 'a section W and X', errno: 'EOPNOTSUPP', line: null, spec: flagged(SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR) },
  { what: 'a section W and X that is not loaded', errno: OK, line: null, spec: flagged(SHF_WRITE | SHF_EXECINSTR) },
  { what: 'no build-id', errno: 'EINVAL', line: '.note.gnu.build-id is missing', spec: { buildId: null } },
  { what: 'no .livepatch.depends', errno: 'EINVAL', line: '.livepatch.depends is missing', spec: { depends: null } },
  {
    what: 'an empty build-id section',
    errno: 'EINVAL',
    line: '.note.gnu.build-id is empty',
    break: (elf) => elf.section('.note.gnu.build-id', 'size', 0),
  },
  {
    what: 'a build-id of 12 bytes',
    errno: 'EINVAL',
    line: null,
    break: (elf) => elf.section('.note.gnu.build-id', 'size', 12),
  },
  { what: 'nothing to do', errno: 'EINVAL', line: 'Nothing to patch. Aborting...', spec: { functions: [] } },
  {
    what: 'an empty .livepatch.funcs',
    errno: 'EINVAL',
    line: '.livepatch.funcs is empty',
    break: (elf) => elf.section('.livepatch.funcs', 'size', 0).section('.rela.livepatch.funcs', 'size', 0),
  },
  ...['load', 'unload', 'preapply', 'apply', 'postapply', 'prerevert', 'revert', 'postrevert'].map((kind) => ({
    what: `an empty section of ${kind} hooks`,
    errno: 'EINVAL',
    line: `.livepatch.hooks.${kind} is empty`,
    spec: more((builder) => builder.writer.section(`.livepatch.hooks.${kind}`, { flags: SHF_ALLOC })),
  })),
  { what: 'hooks alone', errno: OK, line: null, spec: { functions: [], hooks: { load: 2 } } },
  ...[0, 1, 2, 3].map((type) => ({
    what: `half a bug frame of type ${type}`,
    errno: 'EINVAL',
    line: `Wrong size 12 of .bug_frames.${type} (must be multiple of 8)`,
    spec: more((builder) => builder.fields(`.bug_frames.${type}`, 12, SHF_ALLOC)),
  })),
  {
    what: 'half an alternative',
    errno: 'EINVAL',
    line: 'Wrong size 13 of .altinstructions (must be multiple of 14)',
    spec: more((builder) => builder.fields('.altinstructions', 13, SHF_ALLOC)),
  },
  {
    what: 'half an exception entry',
    errno: 'EINVAL',
    line: 'Wrong size 4 of .ex_table (must be multiple of 8)',
    spec: more((builder) => builder.fields('.ex_table', 4, SHF_ALLOC)),
  },
  {
    what: 'alternatives without replacements',
    errno: 'EINVAL',
    line: 'livepatch: p .altinstructions provided, but no .altinstr_replacement',
    spec: more((builder) => builder.fields('.altinstructions', 14, SHF_ALLOC)),
  },
  {
    what: 'alternatives without text',
    errno: 'EINVAL',
    line: 'livepatch: p Alternatives provided, but no .text',
    spec: {
      functions: [{ name: EXTRA_VERSION.name, code: null, newSize: 1, oldSize: 8 }],
      more: (builder) => {
        builder.fields('.altinstructions', 14, SHF_ALLOC);
      },
    },
  },
  {
    what: 'an alternative outside the text',
    errno: 'EINVAL',
    line: 'livepatch: p Alternative orig ',
    spec: more((builder) => {
      builder.fields('.altinstructions', 14, SHF_ALLOC);
      builder.code('.altinstr_replacement', 'new_replacement');
    }),
  },
];

const function_ = (what: string, errno: string | null, line: string | null, spec: object): Case => ({
  what,
  errno,
  line,
  spec: { functions: [{ ...patch(EXTRA_VERSION), ...spec }] },
});

const FUNCTIONS: readonly Case[] = [
  function_('of version 0', 'EOPNOTSUPP', 'Wrong version (0). Expected 2', { version: 0 }),
  function_('of version 1', 'EOPNOTSUPP', 'Wrong version (1). Expected 2', { version: 1 }),
  function_('of version 255', 'EOPNOTSUPP', 'Wrong version (255). Expected 2', { version: 255 }),
  function_('of no size', 'EINVAL', 'Address or size fields are zero', { oldSize: 0 }),
  function_('with an unknown name', 'ENOENT', 'Could not resolve old address of nobody', { name: 'nobody' }),
  function_('without a name', 'ENOENT', 'Could not resolve old address of ', { name: '' }),
  function_('of 4 bytes', 'EINVAL', null, { oldSize: 4 }),
  function_('of 5 bytes', OK, null, { oldSize: 5 }),
  function_('of 8 bytes after an ENDBR64', 'EINVAL', null, { name: 'common/kernel.c#dump_state', oldSize: 8 }),
  function_('of 9 bytes after an ENDBR64', OK, null, { name: 'common/kernel.c#dump_state', oldSize: 9 }),
  function_('of 31 bytes of NOPs', OK, null, { code: null, newSize: 31, oldSize: 31 }),
  function_('of 32 bytes of NOPs', 'EOPNOTSUPP', null, { code: null, newSize: 32, oldSize: 32 }),
  function_('of more NOPs than bytes', 'EINVAL', null, { code: null, newSize: 9, oldSize: 8 }),
  function_('of 32 NOPs and few bytes', 'EOPNOTSUPP', null, { code: null, newSize: 32, oldSize: 1 }),
];

const xenIdCases = (early: boolean): readonly Case[] => {
  const section = '.livepatch.xen_depends';
  const parsed = (rc: number) => (early ? `failed to parse section ${section} as build-id: ${rc}` : null);
  return [
    {
      what: 'no id of Xen',
      errno: 'EINVAL',
      line: early ? `section ${section} is missing` : `${section} is missing`,
      spec: { xenDepends: null },
    },
    {
      what: 'an empty section for the id of Xen',
      errno: 'EINVAL',
      line: early ? parsed(-22) : `${section} is empty`,
      break: (elf) => elf.section(section, 'size', 0),
    },
    { what: 'a short note', errno: 'EINVAL', line: parsed(-22), break: (elf) => elf.section(section, 'size', 12) },
    {
      what: 'a note of another type',
      errno: 'EINVAL',
      line: parsed(-61),
      break: (elf) => elf.u32(elf.data(section) + 8, 1),
    },
    {
      what: 'a note of another owner',
      errno: 'EINVAL',
      line: parsed(-61),
      break: (elf) => elf.u8(elf.data(section) + 12, 0x58),
    },
    {
      what: 'a note that is longer than its section',
      errno: 'EINVAL',
      line: parsed(-22),
      break: (elf) => elf.u32(elf.data(section) + 4, 21),
    },
    {
      what: 'a note without an id',
      errno: 'EINVAL',
      line: parsed(-22),
      break: (elf) => elf.u32(elf.data(section) + 4, 0),
    },
    {
      what: 'another id',
      errno: 'EINVAL',
      line: early ? 'build-id mismatch:' : 'check against hypervisor build-id failed',
      spec: { xenDepends: id(0xee) },
    },
    {
      what: 'a part of the id',
      errno: 'EINVAL',
      line: early ? 'build-id mismatch:' : 'check against hypervisor build-id failed',
      break: (elf) => elf.u32(elf.data(section) + 4, 19),
    },
  ];
};

describe.each(['4.17.7', '4.22.0'])('%s', (release) => {
  describe.each([
    ['special sections', SPECIAL],
    ['a function', FUNCTIONS],
  ])('%s', (_what, cases) => {
    it.each(cases.map((each) => [each.what, each] as const))('%s', (_name, each) => run(release, each));
  });
});

describe.each([
  ['4.17.7', false],
  ['4.18.3', false],
  ['4.18.4', true],
  ['4.19.0', false],
  ['4.19.1', true],
  ['4.21.0', true],
] as const)('the id of Xen under %s', (release, early) => {
  it.each(xenIdCases(early).map((each) => [each.what, each] as const))('%s', (_name, each) => run(release, each));
});

describe('the mismatch of build-ids', () => {
  it('is one line, followed by two without a prefix', () => {
    const outcome = upload(
      bootHost({ release: '4.22.0' }),
      'p',
      payloadFor({ release: '4.22.0', xenDepends: id(0xee) }),
    );
    expect(outcome.console).toEqual([
      'livepatch: p: build-id mismatch:',
      `  livepatch: ${'ee'.repeat(20)}`,
      '        xen: c49cdcc59463c3258acee6ab0ed9fe416cd52dbc',
    ]);
  });

  it('prints at most 64 bytes of an id', () => {
    const xenDepends = new Uint8Array(100).fill(0xab);
    const outcome = upload(bootHost({ release: '4.22.0' }), 'p', payloadFor({ release: '4.22.0', xenDepends }));
    expect(outcome.console[1]).toBe(`  livepatch: ${'ab'.repeat(64)}`);
  });
});
