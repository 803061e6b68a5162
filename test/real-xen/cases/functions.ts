import { add, cycle, edited, upload, XC } from './define.ts';

// ---------------------------------------------------------------------------------- struct livepatch_func
for (const version of [0, 1, 3, 255]) upload(`func-version-${version}`, { funcs: [{ version }] });
for (const oldSize of [0, 1, 4]) upload(`func-old-size-${oldSize}`, { funcs: [{ oldSize }] });
add('func-old-size-5', { p: { funcs: [{ oldSize: 5 }] } }, [...cycle()]);
upload('func-second-version-1', { funcs: [{}, { name: XC, version: 1 }] });
upload('func-version-1-and-old-size-0', { funcs: [{ version: 1, oldSize: 0 }] });
upload('func-name-unknown', { funcs: [{ name: 'no_such_function' }] });
upload('func-name-unknown-old-size-0', { funcs: [{ name: 'no_such_function', oldSize: 0 }] });
upload('func-name-empty', { funcs: [{ name: '' }] });
upload('func-name-static-bare', { funcs: [{ name: 'livepatch_printall' }] });
upload('func-name-null', { funcs: [{ name: null, oldSize: 12 }] }, { panic: 'func-name-null' });
upload('func-name-wild', { funcs: [{ name: { hex: '0000000012345678' } }] });
// The name pointer needs a relocation against the hypervisor here, hence assembler.
add(
  'func-name-in-hypervisor',
  {
    p: {
      funcs: [],
      asm: '.section .livepatch.funcs,"a",@progbits\n.balign 8\n.quad _stext\n.quad lp_new_fn\n.quad 0\n.long 8\n.long 12\n.byte 2\n.zero 39\n.zero 32\n',
    },
  },
  [{ upload: 'p' }],
);
upload('func-size-not-multiple', { asm: '.section .livepatch.funcs\n.quad 0\n' });
edited('func-size-103', [{ section: '.livepatch.funcs', field: 'size', value: 103 }]);
edited('func-size-0', [{ section: '.livepatch.funcs', field: 'size', value: 0 }]);
upload('func-distance-far', { funcs: [{ new: { hex: 'ffff830000000000' } }] });
upload('func-distance-edge-ok', { funcs: [{ new: { addr: 'xen_extra_version', plus: 0x80000000 } }] });
upload('func-distance-edge-far', { funcs: [{ new: { addr: 'xen_extra_version', plus: 0x80000001 } }] });
upload('func-distance-edge-below-ok', { funcs: [{ new: { addr: 'xen_extra_version', plus: -0x7fffffff } }] });
upload('func-distance-edge-below-far', { funcs: [{ new: { addr: 'xen_extra_version', plus: -0x80000000 } }] });
upload('func-new-low', { funcs: [{ new: { hex: '1' } }] });
upload(
  'func-old-unmapped',
  { funcs: [{ old: { addr: '__2M_rwdata_end', plus: 0x4000000 } }] },
  { panic: 'old-addr-unmapped-at-upload' },
);
upload('func-old-init-text', { funcs: [{ old: '__start_xen' }] });
upload('func-old-noncanonical', { funcs: [{ old: { hex: '1234567890abcdef' } }] }, { panic: 'old-addr-non-canonical' });
upload('func-old-low', { funcs: [{ old: { hex: '10' } }] });
add(
  'nop-old-unmapped',
  {
    p: {
      code: false,
      funcs: [{ new: null, newSize: 5, oldSize: 12, old: { addr: '__2M_rwdata_end', plus: 0x4000000 } }],
    },
  },
  [{ upload: 'p' }, { apply: 'p' }],
  { panic: 'nop-old-addr-unmapped-at-apply' },
);
add(
  'nop-old-noncanonical',
  { p: { code: false, funcs: [{ new: null, newSize: 5, oldSize: 12, old: { hex: '1234567890abcdef' } }] } },
  [{ upload: 'p' }, { apply: 'p' }],
  { panic: 'nop-old-addr-non-canonical-at-apply' },
);
add('old-is-data', { p: { funcs: [{ name: 'boot_cpu_data', oldSize: 16 }] } }, [
  { upload: 'p' },
  { apply: 'p' },
  { revert: 'p' },
]);
add('old-is-rodata', { p: { funcs: [{ name: '_srodata', oldSize: 16 }] } }, [
  { upload: 'p' },
  { apply: 'p' },
  { revert: 'p' },
]);
upload('funcs-not-alloc', { funcsFlags: '' }, { panic: 'funcs-not-alloc' });
add(
  'duplicate-special-section',
  {
    p: {
      modinfo: 'first=1\0',
      asm: '.section .modinfx,"a",@progbits\n.asciz "second=2"\n',
      edits: [{ rename: '.modinfx', to: '.modinfo' }],
    },
  },
  [{ upload: 'p' }, { apply: 'p' }],
);
