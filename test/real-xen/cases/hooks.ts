import type { PayloadSpec } from '../payloads.ts';
import { add, cycle, upload, XC } from './define.ts';
import { HOOK, SAY, SET_STATE } from './stacks.ts';

// ---------------------------------------------------------------------------------- hooks
add(
  'hooks-all',
  {
    p: {
      hooks: {
        load: ['h_load', 'h_load2'],
        unload: ['h_unload'],
        preapply: ['h_preapply'],
        postapply: ['h_postapply'],
        prerevert: ['h_prerevert'],
        postrevert: ['h_postrevert'],
      },
      asm: ['load', 'load2', 'unload', 'preapply', 'postapply', 'prerevert', 'postrevert']
        .map((k) => SAY(`h_${k}`, `${k} hook`, 0))
        .join(''),
    },
  },
  [...cycle()],
);
add('hooks-only-load', { p: { funcs: [], code: false, hooks: { load: ['h'] }, asm: SAY('h', 'only a load hook') } }, [
  { upload: 'p' },
  { apply: 'p' },
  { revert: 'p' },
  { unload: 'p' },
]);
for (const r of [-16, -1, 5, -11])
  add(
    `hook-preapply-veto-${r}`,
    { p: { hooks: { preapply: ['h'], postapply: ['h2'] }, asm: SAY('h', 'preapply', r) + SAY('h2', 'postapply') } },
    [{ upload: 'p' }, { apply: 'p' }, { get: 'p' }, { list: { idx: 0, nr: 2 } }, { unload: 'p' }],
  );
add(
  'hook-prerevert-veto',
  { p: { hooks: { prerevert: ['h'], postrevert: ['h2'] }, asm: SAY('h', 'prerevert', -1) + SAY('h2', 'postrevert') } },
  [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { get: 'p' }, { unload: 'p' }],
);
add('hook-apply-sets-state', { p: { hooks: { apply: ['lp_hook'] }, asm: SET_STATE('apply') } }, [
  { upload: 'p' },
  { apply: 'p' },
  { get: 'p' },
]);
add('hook-revert-sets-state', { p: { hooks: { revert: ['lp_hook'] }, asm: SET_STATE('revert') } }, [
  { upload: 'p' },
  { apply: 'p' },
  { revert: 'p' },
  { get: 'p' },
]);
add(
  'hook-apply-fails',
  { p: { hooks: { apply: ['h'], postapply: ['h2'] }, asm: SAY('h', 'apply hook', -22) + SAY('h2', 'postapply') } },
  [{ upload: 'p' }, { apply: 'p' }, { get: 'p' }, { unload: 'p' }],
);
add(
  'hook-revert-fails',
  { p: { hooks: { revert: ['h'], postrevert: ['h2'] }, asm: SAY('h', 'revert hook', -22) + SAY('h2', 'postrevert') } },
  [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { get: 'p' }, { unload: 'p' }],
);
add(
  'hook-apply-inconsistent',
  { p: { hooks: { apply: ['h'] }, asm: SAY('h', 'apply hook', 0) } },
  [{ upload: 'p' }, { apply: 'p' }],
  { panic: 'partially-applied' },
);
add(
  'hook-revert-inconsistent',
  { p: { hooks: { revert: ['h'] }, asm: SAY('h', 'revert hook', 0) } },
  [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }],
  { panic: 'partially-reverted' },
);
add(
  'hook-apply-inconsistent-name-null',
  { p: { hooks: { apply: ['h'] }, funcs: [{ name: null, old: XC, oldSize: 12 }], asm: SAY('h', 'apply hook', 0) } },
  [{ upload: 'p' }, { apply: 'p' }],
);
add(
  'hook-action-no-functions',
  {
    p: {
      funcs: [],
      code: false,
      hooks: { apply: ['h'], revert: ['h2'] },
      asm: SAY('h', 'apply hook', 0) + SAY('h2', 'revert hook', 0),
    },
  },
  [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { apply: 'p' }],
);
for (const kind of ['preapply', 'apply', 'postapply', 'prerevert', 'revert', 'postrevert']) {
  add(`hook-${kind}-null`, { p: { hooks: { [kind]: [null] } } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }]);
  upload(`hook-${kind}-two`, { hooks: { [kind]: ['h', 'h'] }, asm: HOOK('h', 'xorl %eax,%eax\nret') });
  upload(`hook-${kind}-size-12`, {
    hooks: { [kind]: ['h'] },
    asm: `${HOOK('h', 'xorl %eax,%eax\nret')}.section .livepatch.hooks.${kind}\n.long 0\n`,
  });
  upload(`hook-${kind}-empty`, { hooks: { [kind]: [] } });
  add(
    `hook-${kind}-not-alloc`,
    { p: { hooks: { [kind]: ['h'] }, hookFlags: '', asm: SAY('h', 'never called', -22) } },
    [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }],
  );
}
for (const kind of ['load', 'unload']) {
  add(`hook-${kind}-null`, { p: { hooks: { [kind]: [null] } } }, [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }], {
    panic: `null-${kind}-hook`,
  });
  upload(`hook-${kind}-size-12`, {
    hooks: { [kind]: ['h'] },
    asm: `${HOOK('h', 'ret')}.section .livepatch.hooks.${kind}\n.long 0\n`,
  });
  upload(`hook-${kind}-empty`, { hooks: { [kind]: [] } });
  add(`hook-${kind}-not-alloc`, { p: { hooks: { [kind]: ['h'] }, hookFlags: '', asm: SAY('h', 'never called') } }, [
    { upload: 'p' },
    { apply: 'p' },
    { revert: 'p' },
  ]);
}
const WRITES = (where: string): PayloadSpec => ({
  hooks: { load: ['h'] },
  asm:
    HOOK('h', `leaq ${where}(%rip),%rax\nmovb $0x5a,(%rax)\nret`) +
    '.section .rodata.lp,"a",@progbits\nlp_const: .long 1,2\n',
});
add('hook-load-writes-own-rodata', { p: WRITES('lp_const') }, [{ upload: 'p' }, { apply: 'p' }]);
add('hook-load-writes-xen-rodata', { p: WRITES('_srodata') }, [{ upload: 'p' }, { apply: 'p' }]);
add(
  'hook-preapply-writes-own-rodata',
  { p: { ...WRITES('lp_const'), hooks: { preapply: ['h'] } } },
  [{ upload: 'p' }, { apply: 'p' }],
  { panic: 'preapply-hook-writes-rodata' },
);
add(
  'hook-preapply-writes-own-text',
  { p: { hooks: { preapply: ['h'] }, asm: HOOK('h', 'leaq lp_new_fn(%rip),%rax\nmovb $0x5a,(%rax)\nret') } },
  [{ upload: 'p' }, { apply: 'p' }],
  { panic: 'preapply-hook-writes-text' },
);
