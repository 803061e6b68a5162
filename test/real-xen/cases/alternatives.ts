import { add, ENDBR, upload, XC } from './define.ts';
import { nop } from './nops-and-endbr64.ts';

// ---------------------------------------------------------------------------------- alternatives
export interface Alt {
  feature: number;
  orig: string;
  repl: string;
  /** Bytes of NOP padding behind the original; default: as many as the replacement is longer. */
  pad?: number;
  origLen?: string;
  replLen?: string;
  padLen?: string;
  priv?: number;
  /** Patches the original of the entry before. */
  again?: boolean;
  origAt?: string;
  replAt?: string;
}
export function ALT(alts: Alt[]): string {
  let text = '';
  let table = '';
  let repl = '';
  let site = 0;
  alts.forEach((a, i) => {
    if (!a.again) {
      site = i;
      text += `.Lo${i}:\n${a.orig}\n.Loe${i}:\n.nops ${a.pad ?? 0}\n.Lp${i}:\n`;
    }
    repl += `.Lr${i}:\n${a.repl}\n.Lre${i}:\n`;
    table += `.long ${a.origAt ?? `.Lo${site}`}-.\n.long ${a.replAt ?? `.Lr${i}`}-.\n.word ${a.feature}\n.byte ${a.origLen ?? `.Loe${site}-.Lo${site}`},${a.replLen ?? `.Lre${i}-.Lr${i}`},${a.padLen ?? `.Lp${site}-.Loe${site}`},${a.priv ?? 0}\n`;
  });
  return `.text\n.balign 16\nlp_alt:\n${text}ret\n.section .altinstr_replacement,"ax",@progbits\n${repl}.section .altinstructions,"a",@progbits\n${table}`;
}
const ABSENT = 639; // not set on any of the CPUs used, and known to all 4.17 releases (640 features up to 4.17.5, 672 since 4.17.6)
const ALWAYS = 93;
for (const [suffix, cpu] of [
  ['', undefined],
  ['-skylake', 'Skylake-Client,-smap'],
] as const) {
  const more = cpu ? { cpu } : {};
  const N = (n: number): string => `.fill ${n},1,0x0b`;
  add(
    `alt-present${suffix}`,
    {
      p: {
        asm: ALT([
          { feature: ALWAYS, orig: N(3), repl: 'movb $1,%al\nnop' },
          { feature: ALWAYS, orig: N(12), repl: 'nop' },
          { feature: ALWAYS, orig: N(2), pad: 9, repl: '.fill 11,1,0xf4' },
          { feature: ALWAYS, orig: N(2), pad: 9, repl: '.fill 4,1,0xf4' },
          { feature: ALWAYS, orig: N(4), repl: '' },
          { feature: ALWAYS, orig: '', pad: 6, repl: '.fill 6,1,0xf4' },
          { feature: 26, orig: N(1), repl: '.byte 0xf4' },
          { feature: 0x8000 | ABSENT, orig: N(1), repl: '.byte 0xf4' },
          { feature: ALWAYS, orig: N(40), repl: '.byte 0xf4' },
        ]),
      },
    },
    [{ upload: 'p' }, { apply: 'p' }],
    more,
  );
  add(
    `alt-absent${suffix}`,
    {
      p: {
        asm: ALT(
          [0, 1, 2, 5, 9, 12, 31].flatMap((pad): Alt[] => [
            { feature: ABSENT, orig: N(2), pad, repl: `.fill ${pad + 2},1,0xf4` },
            { feature: 0x8000 | ALWAYS, orig: N(1), pad, repl: '.byte 0xf4' },
          ]),
        ),
      },
    },
    [{ upload: 'p' }],
    more,
  );
  add(
    `alt-two-on-one-site${suffix}`,
    {
      p: {
        asm: ALT([
          { feature: ABSENT, orig: N(2), pad: 8, repl: '.fill 10,1,0xf4' },
          { feature: ABSENT, orig: '', repl: '.fill 3,1,0xf5', again: true },
          { feature: ALWAYS, orig: N(2), pad: 8, repl: '.fill 10,1,0xf4' },
          { feature: ABSENT, orig: '', repl: '.fill 3,1,0xf5', again: true },
          { feature: ABSENT, orig: N(2), pad: 8, repl: '.fill 10,1,0xf4' },
          { feature: ALWAYS, orig: '', repl: '.fill 3,1,0xf5', again: true },
          { feature: ALWAYS, orig: N(2), pad: 8, repl: '.fill 10,1,0xf4' },
          { feature: ALWAYS, orig: '', repl: '.fill 3,1,0xf5', again: true },
          { feature: ABSENT, orig: N(2), pad: 8, repl: '.fill 10,1,0xf4', priv: 1 },
          { feature: ALWAYS, orig: '', repl: '.fill 3,1,0xf5', again: true, priv: 1 },
          { feature: ABSENT, orig: N(2), pad: 8, repl: '.fill 10,1,0xf4', priv: 1 },
          { feature: ABSENT, orig: '', repl: '.fill 3,1,0xf5', again: true },
        ]),
      },
    },
    [{ upload: 'p' }],
    more,
  );
}
add(
  'alt-branches',
  {
    p: {
      asm: ALT([
        { feature: ALWAYS, orig: '.fill 5,1,0x0b', repl: 'call printk' },
        { feature: ALWAYS, orig: '.fill 5,1,0x0b', repl: '.byte 0xe9\n.long lp_new_fn-.-4' },
        { feature: ALWAYS, orig: '.fill 8,1,0x0b', repl: 'call lp_new_fn\nnop' },
        { feature: ALWAYS, orig: '.fill 6,1,0x0b', repl: 'nop\ncall lp_new_fn' },
        { feature: ALWAYS, orig: '.fill 4,1,0x0b', pad: 2, repl: '.byte 0x0f,0x84\n.long lp_new_fn-.-4' },
        { feature: ALWAYS, orig: '.fill 5,1,0x0b', repl: '.byte 0xe8,0xfb,0xff,0xff,0xff' },
        { feature: ALWAYS, orig: '.fill 4,1,0x0b', repl: '.byte 0xe8,1,2,3' },
        { feature: ALWAYS, orig: '.fill 11,1,0x0b', repl: 'movl $1,%eax\n.byte 0xe9\n.long __x86_return_thunk-.-4' },
      ]),
    },
  },
  [{ upload: 'p' }],
);
const PTR = `.section .data.rel,"aw",@progbits\n.balign 8\nlp_ptr_endbr: .quad lp_with_endbr\nlp_ptr_plain: .quad lp_new_fn\nlp_ptr_null: .quad 0\nlp_ptr_xen: .quad "${ENDBR}"\nlp_ptr_xen_plain: .quad xen_extra_version\n.text\n.balign 16\nlp_with_endbr: endbr64\nret\n`;
const indirect = (op: string, p: string): string => `.byte 0xff,${op === 'call' ? '0x15' : '0x25'}\n.long ${p}-.-4`;
const direct = (op: string): string => `.byte ${op === 'call' ? '0xe8' : '0xe9'},0xfb,0xff,0xff,0xff`;
add(
  'altcall',
  {
    p: {
      asm:
        PTR +
        ALT(
          ['endbr', 'plain', 'null', 'xen', 'xen_plain'].flatMap((p) =>
            ['call', 'jmp'].map(
              (op): Alt => ({ feature: ALWAYS, orig: indirect(op, `lp_ptr_${p}`), repl: direct(op) }),
            ),
          ),
        ),
    },
  },
  [{ upload: 'p' }, { apply: 'p' }],
);
add(
  'altcall-not-recognised',
  {
    p: {
      asm:
        PTR +
        ALT([
          { feature: 26, orig: indirect('call', 'lp_ptr_endbr'), repl: direct('call') },
          { feature: ALWAYS, orig: indirect('call', 'lp_ptr_endbr'), repl: direct('jmp') },
          { feature: ALWAYS, orig: indirect('call', 'lp_ptr_endbr'), repl: '.byte 0xe8,0xfa,0xff,0xff,0xff' },
          { feature: ALWAYS, orig: indirect('call', 'lp_ptr_endbr'), repl: direct('call'), origLen: '5' },
          { feature: 0x8000 | ABSENT, orig: indirect('call', 'lp_ptr_endbr'), repl: direct('call') },
          { feature: ALWAYS, orig: `${indirect('call', 'lp_ptr_endbr')}\nnop\nnop`, repl: direct('call') },
          { feature: ALWAYS, orig: indirect('call', 'lp_ptr_endbr'), pad: 3, repl: direct('call') },
        ]),
    },
  },
  [{ upload: 'p' }],
);
upload('alt-orig-before-text', {
  asm: ALT([{ feature: ALWAYS, orig: 'nop', repl: 'nop', origAt: 'xen_extra_version' }]),
});
upload('alt-orig-in-rodata', { asm: ALT([{ feature: ALWAYS, orig: 'nop', repl: 'nop', origAt: '.Ltext' }]) });
upload('alt-orig-past-text', { asm: ALT([{ feature: ALWAYS, orig: 'nop', repl: 'nop', origLen: '250' }]) });
upload('alt-repl-elsewhere', { asm: ALT([{ feature: ALWAYS, orig: 'nop', repl: 'nop', replAt: 'lp_new_fn' }]) });
upload('alt-repl-past-end', { asm: ALT([{ feature: ALWAYS, orig: 'nop\nnop', repl: 'nop', replLen: '2' }]) });
add('alt-repl-empty-section', { p: { asm: ALT([{ feature: ALWAYS, orig: 'nop\nnop\nnop', repl: '' }]) } }, [
  { upload: 'p' },
]);
upload('alt-no-replacement-section', {
  asm: ALT([{ feature: ALWAYS, orig: 'nop', repl: 'nop' }]),
  edits: [{ section: '.altinstr_replacement', field: 'name', value: 0 }],
});
upload('alt-size-15', { asm: `${ALT([{ feature: ALWAYS, orig: 'nop', repl: 'nop' }])}.byte 0\n` });
upload('alt-empty-table', { asm: '.section .altinstructions,"a",@progbits\n' });
upload('alt-no-text', { code: false, funcs: [nop(XC, 1)], asm: '.section .altinstructions,"a",@progbits\n.zero 14\n' });
upload('alt-replacement-not-alloc', {
  asm: ALT([{ feature: ALWAYS, orig: 'nop', repl: 'nop' }]).replace('"ax"', '""'),
});
add('alt-pad-past-text', { p: { asm: ALT([{ feature: ALWAYS, orig: 'nop', repl: 'nop', padLen: '200' }]) } }, [
  { upload: 'p' },
]);
add('alt-feature-last', { p: { asm: ALT([{ feature: 671, orig: 'nop', repl: 'nop' }]) } }, [{ upload: 'p' }]);
upload(
  'alt-feature-672',
  { asm: ALT([{ feature: 672, orig: 'nop', repl: 'nop' }]) },
  { panic: 'alternative-feature-672' },
);
upload('alt-feature-not-672', { asm: ALT([{ feature: 0x8000 | 672, orig: 'nop', repl: 'nop' }]) });
upload(
  'alt-replacement-longer',
  { asm: ALT([{ feature: ALWAYS, orig: 'nop', repl: 'nop\nnop' }]) },
  { panic: 'alternative-replacement-longer' },
);
upload(
  'alt-origin-over-254',
  { asm: `.text\n.fill 300,1,0x90\n${ALT([{ feature: ALWAYS, orig: '.fill 200,1,0x90', repl: 'nop', pad: 55 }])}` },
  { panic: 'alternative-origin-over-254' },
);
add('alt-origin-254', { p: { asm: ALT([{ feature: ALWAYS, orig: '.fill 200,1,0x90', repl: 'nop', pad: 54 }]) } }, [
  { upload: 'p' },
]);
upload('alt-table-not-alloc', {
  asm: ALT([{ feature: ALWAYS, orig: 'nop', repl: 'nop' }]).replace('.altinstructions,"a"', '.altinstructions,""'),
});
upload('alt-table-not-alloc-empty', { asm: '.section .altinstructions,"",@progbits\n' });
add(
  'alt-call-sites-ignored',
  {
    p: {
      asm:
        PTR +
        `.text\nlp_site: ${indirect('call', 'lp_ptr_endbr')}\nret\n.section .alt_call_sites,"a",@progbits\n.long lp_site-.\n`,
    },
  },
  [{ upload: 'p' }],
);
