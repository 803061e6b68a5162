import type { PayloadSpec } from '../payloads.ts';
import { add, CHANGESET, cycle, type Step, upload, XC } from './define.ts';

// ---------------------------------------------------------------------------------- bug frames, exceptions, crashes in payload code
/** A trap site with its frame, as Xen's x86 headers lay it out for this release. */
const FRAME = (type: number, line: number, more = ''): string =>
  `.Lbug: ud2\n.section .bug_frames.${type},"a",@progbits\n.balign 4\n.Lframe:\n.long (.Lbug-.Lframe)+(${line >> 7}<<24)\n.long (.Lfile-.Lframe)+(${line & 127}<<24)\n${more}.text\n`;
const FILE_NAME =
  '.section .rodata.str1.1,"aMS",@progbits,1\n.Lfile: .asciz "my/payload.c"\n.Lassert: .asciz "a == b"\n';
const crash = (body: string): PayloadSpec => ({
  code: false,
  funcs: [{ name: XC, new: 'lp_crash' }],
  asm: `.text\n.balign 16\n.globl lp_crash\n.type lp_crash,@function\nlp_crash:\n${body}\nleaq .Lok(%rip),%rax\nret\n.size lp_crash,.-lp_crash\n.section .rodata.str1.1,"aMS",@progbits,1\n.Lok: .asciz "survived"\n`,
});
const RUN: Step[] = [{ upload: 'p' }, { apply: 'p' }, { version: CHANGESET }, { revert: 'p' }, { version: CHANGESET }];
add('bug-warn', { p: crash(`${FRAME(1, 1234) + FILE_NAME}.text`) }, RUN);
add('bug-bug', { p: crash(`${FRAME(2, 1234) + FILE_NAME}.text`) }, RUN, { panic: 'bug-in-payload' });
add('bug-assert', { p: crash(`${FRAME(3, 77, '.long 0\n.long .Lassert-.Lframe\n') + FILE_NAME}.text`) }, RUN, {
  panic: 'assert-in-payload',
});
add('bug-no-frame', { p: crash('ud2') }, RUN, { panic: 'ud2-in-payload-function' });
add('bug-int3', { p: crash('int3') }, RUN);
add('bug-page-fault', { p: crash('xorl %eax,%eax\nmovl (%rax),%eax') }, RUN, {
  panic: 'page-fault-in-payload-function',
});
add('bug-writes-own-text', { p: crash('leaq lp_crash(%rip),%rax\nmovb $0x90,(%rax)') }, RUN);
add('bug-frames-unload', { p: crash(`${FRAME(1, 5) + FILE_NAME}.text`) }, [...cycle()]);
for (const n of [0, 1, 2, 3])
  upload(`bug-frames-${n}-size-12`, { asm: `.section .bug_frames.${n},"a",@progbits\n.zero 12\n` });
add('bug-frames-empty', { p: { asm: '.section .bug_frames.0,"a",@progbits\n' } }, [{ upload: 'p' }]);
upload('bug-frames-4-any-size', { asm: '.section .bug_frames.4,"a",@progbits\n.zero 3\n' });
add('bug-frames-not-alloc', { p: { asm: '.section .bug_frames.1,"",@progbits\n.zero 8\n' } }, [
  { upload: 'p' },
  { apply: 'p' },
]);
const EX = (n: number): string => `.Lf${n}: movq (%rax),%rcx\njmp .Lx${n}\n.Lc${n}: incl %edx\n.Lx${n}:\n`;
add(
  'ex-table',
  {
    p: crash(
      `movabsq $0xdead000000000000,%rax\nxorl %edx,%edx\n${EX(1)}${EX(2)}${EX(3)}.section .ex_table,"a",@progbits\n.balign 4\n.long .Lf3-.,.Lc3-.\n.long .Lf1-.,.Lc1-.\n.long .Lf2-.,.Lc2-.\n.text`,
    ),
  },
  RUN,
);
upload('ex-table-size-12', { asm: '.section .ex_table,"a",@progbits\n.zero 12\n' });
add('ex-table-empty', { p: { asm: '.section .ex_table,"a",@progbits\n' } }, [{ upload: 'p' }]);
upload('ex-table-not-alloc', { asm: '.section .ex_table,"",@progbits\n.long 1,2\n' });
add(
  'ex-table-ties',
  {
    p: {
      asm:
        '.text\n.La: nop\n.Lb: nop\n.section .ex_table,"a",@progbits\n' +
        Array.from({ length: 8 }, (_, i) => `.long ${i % 2 ? '.La' : '.Lb'}-.,.La+${i}-.\n`).join(''),
    },
  },
  [{ upload: 'p' }],
);
upload('modinfo-not-alloc', { modinfo: 'a=1\0', edits: [{ section: '.modinfo', field: 'flags', value: 0 }] });
