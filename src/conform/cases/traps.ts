import { fromLatin1, hex } from '../../base/index.ts';
import type { PayloadSpec, SectionSpec } from '../../synth/index.ts';
import { bugFrames, CodeWriter, exTable, hookPayload, say, TextPool, type WriteCode } from '../../synth/index.ts';
import type { HookKind } from '../../xen/index.ts';
import type { ConformCase, ConformStep } from '../case.ts';

/** Cases whose hooks trap, fault or write where they must not. */

const life: readonly ConformStep[] = [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { unload: 'p' }];

const single = (name: string, write: WriteCode, rest: PayloadSpec = {}, kind: HookKind = 'load'): ConformCase => ({
  name: `hook-${name}`,
  payloads: { p: hookPayload({ h: write }, { [kind]: ['h'] }, rest) },
  steps: life,
});

/** A file name in the payload's read-only pages. */
const fileName = (name: string): SectionSpec => ({
  name: '.rodata.file',
  flags: 'A',
  hex: hex(fromLatin1(`${name}\0`)),
  symbols: [{ name: 'file_name', at: 0 }],
});

/** A function that nothing runs on a host without HVM guests. */
const UNUSED = 'hvm_hap_nested_page_fault';

const WARN = 1;
const BUG = 2;

/** `ud2` at the hook's start, and then back. */
const ud2: WriteCode = (code) => code.raw('0f0b').set('rax', 0).ret();
const framed = (type: number, line: number, name = 'some/dir/hooks.c'): PayloadSpec => ({
  sections: [fileName(name), bugFrames(type, [{ symbol: 'h', at: 0, line }], 'file_name')],
});
const named = (length: number): string => `${'d/'.repeat(length).slice(0, length - 3)}x.c`;

/** An ASSERT has a second pair of words, for its text. Source: xen/arch/x86/include/asm/bug.h. */
const R_X86_64_PC32 = 2;
const LINE_77 = 77 * 2 ** 24;
const assertion: PayloadSpec = {
  sections: [
    fileName('some/dir/hooks.c'),
    {
      name: '.rodata.condition',
      flags: 'A',
      hex: hex(fromLatin1('a == b\0')),
      symbols: [{ name: 'condition', at: 0 }],
    },
    {
      name: '.bug_frames.3',
      flags: 'A',
      size: 16,
      align: 4,
      fields: [
        { at: 0, symbol: 'h', type: R_X86_64_PC32 },
        { at: 4, symbol: 'file_name', addend: 4 + LINE_77, type: R_X86_64_PC32 },
        { at: 12, symbol: 'condition', addend: 12, type: R_X86_64_PC32 },
      ],
    },
  ],
};

/** The file name's pointer is some 8 MiB behind the frame, where nothing is: Xen looks at no such frame. */
const outside: PayloadSpec = {
  sections: [
    {
      name: '.bug_frames.1',
      flags: 'A',
      hex: '0000000000007f00',
      align: 4,
      fields: [{ at: 0, symbol: 'h', type: R_X86_64_PC32 }],
    },
  ],
};

/** Regs are in rdi: their rip is 128 bytes behind. Source: struct cpu_user_regs, xen/include/public/arch-x86/xen-x86_64.h. */
const REGS_RIP = 128;
const runFunction: PayloadSpec = hookPayload(
  {
    h: (code) => say(code.raw('0f0b'), '<0>behind it\n').ret(),
    is_run: (code) => say(code.push('rbx').move('rbx', 'rdi'), '<0>run at %pS\n', { at: REGS_RIP }).pop('rbx').ret(),
  },
  { load: ['h'] },
  { sections: [bugFrames(0, [{ symbol: 'h', at: 0, line: 0 }], 'is_run')] },
);
const showsState: PayloadSpec = hookPayload(
  {
    h: (code) => say(code.raw('90900f0b'), '<0>behind it\n').ret(),
    shows: (code) => code.jump('show_execution_state'),
  },
  { load: ['h'] },
  { sections: [bugFrames(0, [{ symbol: 'h', at: 2, line: 0 }], 'shows')] },
);

const frames: readonly ConformCase[] = [
  ...(['load', 'unload', 'preapply', 'postapply', 'prerevert', 'postrevert'] as const).map((kind) =>
    single(`warn-${kind}`, ud2, framed(WARN, 1234), kind),
  ),
  single('bug', ud2, framed(BUG, 42)),
  single('bug-preapply', ud2, framed(BUG, 16383), 'preapply'),
  ...[50, 51, 90].map((length) => single(`bug-file-name-${length}`, ud2, framed(BUG, 1, named(length)))),
  single('warn-file-name-90', ud2, framed(WARN, 300, named(90))),
  single('warn-file-outside', ud2, outside),
  single('assert', ud2, assertion),
  { name: 'hook-run-fn', payloads: { p: runFunction }, steps: life },
  { name: 'hook-run-fn-shows-state', payloads: { p: showsState }, steps: life },
  single('ud2', ud2),
  single('int3', (code) => say(code.raw('cc'), '<0>behind it\n').ret()),
];

/** One instruction that faults, and where it goes on: `value` is in rax, and rcx is 0. */
function fixedUp(name: string, value: bigint, faulting: string, kind: HookKind = 'load'): ConformCase {
  const start = (code: CodeWriter): CodeWriter => code.set('rcx', 0).set('rax', value);
  const at = start(new CodeWriter(new TextPool())).length;
  const behind = at + faulting.length / 2;
  const write: WriteCode = (code) => {
    // What follows jumps over the fix-up, which counts in edx.
    start(code).raw(faulting).raw('eb02').raw('ffc1');
    code.move('rsi', 'rcx').set('rdi', { text: '<0>fixed up: %d\n' }).raw('31c0').call('printk');
    return code.set('rax', 0).ret();
  };
  const rest: PayloadSpec = { sections: [exTable([{ symbol: 'h', at, cont: behind + 2 }])] };
  return single(`ex-table-${name}`, write, rest, kind);
}

const READ = '488b18';
const fixUps: readonly ConformCase[] = [
  fixedUp('not-canonical', 0xdead_0000_0000_0000n, '488b10'),
  fixedUp('unmapped', 0x10n, '488b10'),
  fixedUp('unmapped-preapply', 0x10n, '488b10', 'preapply'),
  fixedUp('undefined-instruction', 0n, '0f0b'),
  fixedUp('division', 1n, 'f7f1'),
  fixedUp('postapply', 0xffff_82d0_0000_0000n, '488b10', 'postapply'),
];

const bytes = (name: string, flags: string, symbol: string): SectionSpec => ({
  name,
  flags,
  hex: 'c3'.repeat(16),
  align: 8,
  symbols: [{ name: symbol, at: 0 }],
});
const writes =
  (symbol: string): WriteCode =>
  (code) =>
    say(code.set('rcx', 0x0a0b_0c0d).store('rcx', symbol), '<0>written\n').set('rax', 0).ret();

const faults: readonly ConformCase[] = [
  single('page-fault-read', (code) => code.set('rax', 0x10).raw(READ).ret()),
  single('page-fault-write', (code) => code.set('rax', 0xffff_82d0_0000_0000n).raw('488918').ret()),
  single('page-fault-preapply', (code) => code.set('rax', 0x10).raw(READ).ret(), {}, 'preapply'),
  single('general-protection', (code) => code.set('rax', 0xdead_0000_0000_0000n).raw(READ).ret()),
  single('division-load', (code) => code.raw('31c9f7f1').ret()),
  single('division-preapply', (code) => code.raw('31c9f7f1').ret(), {}, 'preapply'),
  single('stack-overflow', (code) => code.raw('50ebfd')),
  single('jump-to-null', (code) => code.raw('31c0ffe0')),
  single('call-of-null', (code) => code.raw('31c0ffd0').ret()),
  single('execute-data', (code) => code.set('rax', { symbol: 'bytes' }).raw('ffd0').ret(), {
    sections: [bytes('.data', 'AW', 'bytes')],
  }),
  ...(['load', 'preapply', 'postapply'] as const).map((kind) =>
    single(`writes-own-rodata-${kind}`, writes('bytes'), { sections: [bytes('.rodata', 'A', 'bytes')] }, kind),
  ),
  single('writes-own-text-load', writes('h')),
  single('writes-own-text-preapply', writes('h'), {}, 'preapply'),
  { ...single('writes-hypervisor-text-load', writes(UNUSED)), watch: [UNUSED] },
  single('writes-hypervisor-text-postapply', writes(UNUSED), {}, 'postapply'),
  single('writes-hypervisor-rodata-load', writes('_srodata')),
  single('writes-hypervisor-rodata-preapply', writes('_srodata'), {}, 'preapply'),
  single('panic', (code) => code.callWith('panic', [{ text: 'hook %d says so\n' }, 7]).ret()),
  single(
    'panic-preapply',
    (code) => code.callWith('panic', [{ text: 'hook %s\n' }, { text: 'here' }]).ret(),
    {},
    'preapply',
  ),
];

export const TRAP_CASES: readonly ConformCase[] = [...frames, ...fixUps, ...faults];
