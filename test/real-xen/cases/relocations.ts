import type { Edit, PayloadSpec } from '../payloads.ts';
import { add, type Case, edited, upload } from './define.ts';

// ---------------------------------------------------------------------------------- relocations
const R: PayloadSpec = {
  asm: '.section .data.rel,"aw",@progbits\n.balign 8\nlp_rel: .quad lp_new_fn\n.long lp_new_fn-.\n.long 0\n',
};
export const rel = (name: string, edits: Edit[], more: Partial<Case> = {}): void =>
  edited(`rela-${name}`, edits, R, more);
rel('fine', []);
for (const t of [0, 3, 4, 5, 9, 10, 11, 14, 24, 37, 41, 42, 255, 0x7fffffff])
  rel(`type-${t}`, [{ rela: '.rela.data.rel', entry: 0, field: 'type', value: t }]);
rel('type-none-bad-offset', [
  { rela: '.rela.data.rel', entry: 0, field: 'type', value: 0 },
  { rela: '.rela.data.rel', entry: 0, field: 'offset', value: '0xffffffffffffffff' },
]);
rel('type-none-symbol-0', [
  { rela: '.rela.data.rel', entry: 0, field: 'type', value: 0 },
  { rela: '.rela.data.rel', entry: 0, field: 'sym', value: 0 },
]);
rel('symbol-0', [{ rela: '.rela.data.rel', entry: 0, field: 'sym', value: 0 }]);
rel('symbol-past-end', [{ rela: '.rela.data.rel', entry: 0, field: 'sym', value: 10000 }]);
rel('symbol-huge', [{ rela: '.rela.data.rel', entry: 0, field: 'sym', value: 0xffffffff }]);
rel('offset-8-of-16', [{ rela: '.rela.data.rel', entry: 0, field: 'offset', value: 8 }]);
rel('offset-9-of-16', [{ rela: '.rela.data.rel', entry: 0, field: 'offset', value: 9 }]);
rel('offset-16-of-16', [{ rela: '.rela.data.rel', entry: 0, field: 'offset', value: 16 }]);
rel('offset-huge', [{ rela: '.rela.data.rel', entry: 0, field: 'offset', value: '0xffffffffffffffff' }]);
rel('pc32-offset-12', [{ rela: '.rela.data.rel', entry: 1, field: 'offset', value: 12 }]);
rel('pc32-offset-13', [{ rela: '.rela.data.rel', entry: 1, field: 'offset', value: 13 }]);
rel('pc32-overflow', [{ rela: '.rela.data.rel', entry: 1, field: 'addend', value: '0x100000000' }]);
rel('pc32-overflow-negative', [{ rela: '.rela.data.rel', entry: 1, field: 'addend', value: '0xffffffff00000000' }]);
rel('plt32-overflow', [
  { rela: '.rela.data.rel', entry: 1, field: 'addend', value: '0x100000000' },
  { rela: '.rela.data.rel', entry: 1, field: 'type', value: 4 },
]);
rel('addend-64', [{ rela: '.rela.data.rel', entry: 0, field: 'addend', value: '0xfedcba9876543210' }]);
rel('link-wrong', [{ section: '.rela.data.rel', field: 'link', value: 1 }]);
rel('link-0', [{ section: '.rela.data.rel', field: 'link', value: 0 }]);
rel('info-shnum', [{ section: '.rela.data.rel', field: 'info', value: { shnum: true } }]);
rel('info-huge', [{ section: '.rela.data.rel', field: 'info', value: 0xffffffff }]);
rel('info-not-alloc', [{ section: '.rela.data.rel', field: 'info', value: { sectionIndex: '.strtab' } }]);
rel('info-0', [{ section: '.rela.data.rel', field: 'info', value: 0 }], { panic: 'rela-info-0' });
rel('size-0', [{ section: '.rela.data.rel', field: 'size', value: 0 }]);
rel('size-0-link-wrong', [
  { section: '.rela.data.rel', field: 'size', value: 0 },
  { section: '.rela.data.rel', field: 'link', value: 1 },
]);
rel('size-odd', [{ section: '.rela.data.rel', field: 'size', value: 25 }]);
rel('entsize-0', [{ section: '.rela.data.rel', field: 'entsize', value: 0 }]);
rel('entsize-16', [{ section: '.rela.data.rel', field: 'entsize', value: 16 }]);
rel('entsize-48', [{ section: '.rela.data.rel', field: 'entsize', value: 48 }]);
rel('type-rel', [{ section: '.rela.data.rel', field: 'type', value: 9 }]);
rel('type-rel-entsize-8', [
  { section: '.rela.data.rel', field: 'type', value: 9 },
  { section: '.rela.data.rel', field: 'entsize', value: 8 },
]);
upload('rela-ignored-symbol', {
  asm: '.section .debug_lp,"",@progbits\nlp_debug: .long 1\n.section .data.rel,"aw",@progbits\n.quad lp_debug\n',
});
upload('rela-ignored-section-symbol', {
  asm: '.section .debug_lp,"",@progbits\n.long 1\n.Lx: .long 1\n.section .data.rel,"aw",@progbits\n.quad .Lx\n',
});
upload('rela-of-not-alloc-section', { asm: '.section .debug_lp,"",@progbits\n.quad lp_new_fn\n' });
add(
  'rela-hypervisor-symbols',
  {
    p: {
      asm: '.section .data.rel,"aw",@progbits\n.balign 8\n.quad xen_extra_version+4\n.quad boot_cpu_data\n.long printk-.\n.long printk@PLT\n.quad "common/livepatch.c#livepatch_printall"\n',
    },
  },
  [{ upload: 'p' }],
);
