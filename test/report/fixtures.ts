import type {
  CheckReport,
  InspectReport,
  RehearsalFunction,
  RehearsalReport,
  RehearsalStep,
} from '../../src/documents/index.ts';

/** Example documents. Their strings are byte strings, as the simulator makes them. */

const XEN = { release: '4.17.7', buildId: '151b373fd64b321593bf987fd923cd10dabadac4', arch: 'x86_64' } as const;

const PLACED = { text: '0xffff82d0405b0000', rw: '0xffff82d0405b1000', ro: '0xffff82d0405b2000', pages: 3 } as const;

const done = (step: RehearsalStep['step'], state: RehearsalStep['state'], console: string[] = []): RehearsalStep => ({
  step,
  name: 'hello',
  outcome: step === 'verify' ? 'verified' : 'answered',
  passed: true,
  rc: step === 'verify' ? null : 0,
  errno: null,
  state,
  console,
  payload: state === null ? null : PLACED,
});

const APPLIED = [
  'livepatch: hello: Verifying enabled expectations for all functions',
  'livepatch: hello: Applying 1 functions',
  'livepatch: hello finished APPLY with rc=0',
];
const REVERTED = ['livepatch: hello: Reverting', 'livepatch: hello finished REVERT with rc=0'];

const FUNCTION: RehearsalFunction = {
  name: 'xen_extra_version',
  oldAddr: '0xffff82d040234b20',
  oldSize: 12,
  newAddr: '0xffff82d0405b0000',
  newSize: 12,
  patchOffset: 0,
  before: '488d058ae2',
  after: 'e9dbb43700',
};

export const passed: RehearsalReport = {
  format: 'xsplice-rehearsal/2',
  xen: XEN,
  verdict: 'passed',
  steps: [
    done('upload', 'CHECKED'),
    done('apply', 'APPLIED', APPLIED),
    done('verify', 'APPLIED'),
    done('revert', 'CHECKED', REVERTED),
    done('verify', 'CHECKED'),
    done('unload', null),
  ],
  functions: [
    FUNCTION,
    {
      name: 'common/livepatch.c#livepatch_printall_and_everything_else',
      oldAddr: '0xffff82d040221e10',
      oldSize: 561,
      newAddr: '0xffff82d0405b0010',
      newSize: 1042,
      patchOffset: 4,
      before: '4155415449',
      after: 'e9f7e13800',
    },
    {
      name: 'do_nothing',
      oldAddr: '0xffff82d040240000',
      oldSize: 31,
      newAddr: '0x0',
      newSize: 31,
      patchOffset: 0,
      before: '48'.repeat(31),
      after: '90'.repeat(31),
    },
  ],
  calls: [],
  panic: null,
  findings: [],
};

export const refused: RehearsalReport = {
  ...passed,
  verdict: 'refused',
  steps: [
    {
      ...done('upload', null, ['livepatch: hello: check against hypervisor build-id failed']),
      passed: false,
      rc: -22,
      errno: 'EINVAL',
    },
  ],
  functions: [],
  findings: [
    {
      rule: 'xen-build-id',
      severity: 'error',
      message: 'the payload is for another hypervisor: .livepatch.xen_depends is 00112233, this one is 151b373f',
      where: { file: 'hello.livepatch', section: '.livepatch.xen_depends', offset: 16 },
    },
  ],
};

export const stopped: RehearsalReport = {
  ...passed,
  verdict: 'failed',
  steps: [
    done('upload', 'CHECKED'),
    {
      ...done('apply', 'CHECKED', [
        'livepatch: hello: Verifying enabled expectations for all functions',
        'livepatch: hello: Calling pre-apply hook function',
      ]),
      outcome: 'stopped-at-hook',
      passed: false,
      rc: null,
      note: 'stopped here: the hook check_host would run now, and hooks are not run; nothing after this is known',
    },
  ],
  functions: [{ ...FUNCTION, after: FUNCTION.before }],
  findings: [
    {
      rule: 'hook-not-run',
      severity: 'error',
      message: 'the payload has a preapply hook, which is not run: whether it can be applied is not known',
      where: {
        file: 'hello.livepatch',
        section: '.livepatch.hooks.preapply',
        offset: 0,
        symbol: 'check_host',
        address: '0xffff82d0405b0040',
      },
    },
  ],
};

/** The screen of facts/panic-screen.md. */
export const panicked: RehearsalReport = {
  ...passed,
  xen: { release: '4.18.0', buildId: null, arch: 'x86_64' },
  verdict: 'panicked',
  steps: [
    done('upload', 'CHECKED'),
    { ...done('apply', null, APPLIED.slice(0, 2)), outcome: 'died', passed: false, rc: null, payload: PLACED },
  ],
  functions: [FUNCTION],
  panic: {
    message: 'FATAL PAGE FAULT',
    errorCode: 3,
    address: '0xffff82d040625079',
    screen: [
      '----[ Xen-4.19-unstable  x86_64  debug=y  Tainted:   C    ]----',
      'CPU:    4',
      'RIP:    e008:[<ffff82d040221e81>] common/livepatch.c#apply_payload+0x45/0x1e1',
      '',
      'Pagetable walk from ffff82d040625079:',
      ' L4[0x105] = 000000008c6c9063 ffffffffffffffff',
      ' L3[0x141] = 000000008c6c6063 ffffffffffffffff',
      ' L2[0x003] = 000000086a1e7063 ffffffffffffffff',
      ' L1[0x025] = 800000086ca5d121 ffffffffffffffff',
      '',
      '****************************************',
      'Panic on CPU 4:',
      'FATAL PAGE FAULT',
      '[error_code=0003]',
      'Faulting linear address: ffff82d040625079',
      '****************************************',
    ],
  },
  findings: [
    {
      rule: 'state-in-read-only-payload',
      severity: 'error',
      message: 'this release keeps state in .livepatch.funcs, and the section is not writable',
      where: { file: 'hello.livepatch', section: '.livepatch.funcs', offset: 0x41, address: '0xffff82d040625079' },
    },
  ],
};

export const checked: CheckReport = {
  format: 'xsplice-check/1',
  payloads: [
    { file: 'hello.livepatch', verdict: 'accepted', errno: null, console: [], findings: [] },
    {
      file: 'fixes/wrong-build-id.livepatch',
      verdict: 'refused',
      errno: 'EINVAL',
      console: ['livepatch: wrong-build-id: check against hypervisor build-id failed'],
      findings: [],
    },
    { file: 'short.livepatch', verdict: 'refused', errno: 'EINVAL', console: [], findings: [] },
    {
      file: 'evil\x1b[2J.livepatch',
      verdict: 'unsafe',
      errno: null,
      console: [],
      findings: [
        {
          rule: 'symtab-without-strings',
          severity: 'error',
          message: 'Xen follows sh_link 0 to a header that is not there, and crashes',
          where: { file: 'evil\x1b[2J.livepatch', offset: 64, symbol: 'h\xc3\xa9llo' },
        },
        { rule: 'writable-funcs', severity: 'warning', message: 'a warning without a place', where: {} },
        { rule: 'assumed', severity: 'note', message: 'a note', where: { address: '0xffff82d040200000' } },
      ],
    },
  ],
};

export const inspected: InspectReport = {
  format: 'xsplice-inspect/1',
  payloads: [
    {
      file: 'hello.livepatch',
      name: 'hello',
      size: 5432,
      arch: 'x86_64',
      buildId: 'c5d4e7c816a050770d434d9df9782586a7e8ac97',
      depends: XEN.buildId,
      xenDepends: XEN.buildId,
      metadata: ['author=me', 'desc=test payload'],
      functions: [
        {
          name: 'xen_extra_version',
          kind: 'replace',
          oldCode: null,
          oldSize: 12,
          newCode: { section: '.text', offset: 0, symbol: 'lp_new_fn' },
          newSize: 12,
          version: 2,
          expectation: { length: 5, data: '488d058ae2', enabled: true },
          code: [
            { offset: 0, bytes: 'f30f1efa', text: 'endbr64' },
            {
              offset: 4,
              bytes: '48c70500000000ffffffff',
              text: 'movq $0xffffffffffffffff, counter(%rip)',
              targets: [{ section: '.bss', offset: 8, symbol: 'counter' }],
            },
            { offset: 15, bytes: '0f', text: '(bad)' },
            {
              offset: 16,
              bytes: '48c7c700000000',
              text: 'movq $0x0, %rdi',
              targets: [{ section: '.rodata.str1.1', offset: 5 }],
            },
            { offset: 23, bytes: 'e800000000', text: 'callq evil\x1b[2J', targets: [{ symbol: 'evil\x1b[2J' }] },
          ],
        },
        {
          name: 'do_nothing',
          kind: 'nop',
          oldCode: { address: '0xffff82d040240000' },
          oldSize: 31,
          newCode: null,
          newSize: 31,
          version: 2,
          expectation: null,
          code: null,
        },
      ],
      hooks: [
        {
          kind: 'preapply',
          section: '.livepatch.hooks.preapply',
          target: { section: '.text', offset: 64, symbol: 'check_host' },
          code: [{ offset: 64, bytes: 'c3', text: 'retq' }],
        },
      ],
      sections: [
        { index: 1, name: '.text', type: 'PROGBITS', flags: 'AX', size: 12, alignment: 16, page: 'text', offset: 0 },
        {
          index: 2,
          name: '.livepatch.funcs',
          type: 'PROGBITS',
          flags: 'A',
          size: 208,
          alignment: 8,
          page: 'ro',
          offset: 0x20,
        },
        { index: 3, name: '.symtab', type: 'SYMTAB', flags: '', size: 312, alignment: 8, page: null, offset: null },
      ],
      relocations: [
        { section: '.livepatch.funcs', type: 'R_X86_64_64', count: 2, applied: true, handled: true },
        { section: '.text', type: 'R_X86_64_32', count: 1, applied: true, handled: false },
        { section: '.debug_info', type: 'R_X86_64_32', count: 9, applied: false, handled: false },
      ],
      undefinedSymbols: ['printk', 'common/livepatch.c#livepatch_printall'],
      tables: [{ kind: 'alternatives', section: '.altinstructions', entries: 3, entrySize: 14 }],
      pages: { text: 1, rw: 0, ro: 1 },
      reappliable: true,
      findings: [
        {
          rule: 'relocation-type',
          severity: 'error',
          message: 'Xen does not handle relocations of type R_X86_64_32',
          where: { file: 'hello.livepatch', section: '.rela.text', offset: 24 },
        },
      ],
    },
    {
      file: 'notes.txt',
      name: 'notes',
      size: 1,
      arch: null,
      buildId: null,
      depends: null,
      xenDepends: null,
      metadata: [],
      functions: [],
      hooks: [],
      sections: [],
      relocations: [],
      undefinedSymbols: [],
      tables: [],
      pages: { text: 0, rw: 0, ro: 0 },
      reappliable: false,
      findings: [{ rule: 'elf', severity: 'error', message: 'no ELF file', where: { file: 'notes.txt', offset: 0 } }],
    },
  ],
};
