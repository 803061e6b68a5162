import { ALT } from './alternatives.ts';
import { add, edited, upload } from './define.ts';

// ---------------------------------------------------------------------------------- build-ids and notes
add('same-build-id', { a: { buildId: '01'.repeat(20) }, b: { symbol: 'fn_b', buildId: '01'.repeat(20) } }, [
  { upload: 'a' },
  { upload: 'b' },
  { unload: 'a' },
  { upload: 'b' },
]);
add('same-file-other-name', { a: {} }, [{ upload: 'a' }, { upload: 'a', as: 'b' }, { upload: 'a' }]);
upload('build-id-short', { buildId: '0102' });
upload('no-build-id', { buildId: null });
upload('no-depends', { depends: null });
upload('no-xen-depends', { xenDepends: null });
upload('no-depends-at-all', { depends: null, xenDepends: null, buildId: null });
upload('xen-depends-wrong', { xenDepends: '00'.repeat(20) });
upload('xen-depends-wrong-length', { xenDepends: '00'.repeat(16) });
upload('funcs-none', { funcs: [] });
for (const s of ['.note.gnu.build-id', '.livepatch.depends', '.livepatch.xen_depends']) {
  const id = s.replace(/^\.(note\.gnu\.|livepatch\.)/, '');
  edited(`note-${id}-empty`, [{ section: s, field: 'size', value: 0 }]);
  for (const n of [11, 12, 13, 35]) edited(`note-${id}-size-${n}`, [{ section: s, field: 'size', value: n }]);
  edited(`note-${id}-type-4`, [{ bytes: s, at: 8, hex: '04' }]);
  edited(`note-${id}-name-GNX`, [{ bytes: s, at: 12, hex: '474e58' }]);
  edited(`note-${id}-namesz-3`, [{ bytes: s, at: 0, hex: '03' }]);
  edited(`note-${id}-namesz-8`, [{ bytes: s, at: 0, hex: '08' }]);
  edited(`note-${id}-namesz-huge`, [{ bytes: s, at: 0, hex: 'ffffffff' }]);
  edited(`note-${id}-descsz-0`, [{ bytes: s, at: 4, hex: '00' }]);
  edited(`note-${id}-descsz-8`, [{ bytes: s, at: 4, hex: '08' }]);
  edited(`note-${id}-descsz-21`, [{ bytes: s, at: 4, hex: '15' }]);
  edited(`note-${id}-not-alloc`, [{ section: s, field: 'flags', value: 0 }]);
  edited(`note-${id}-not-alloc-size-12`, [
    { section: s, field: 'flags', value: 0 },
    { section: s, field: 'size', value: 12 },
  ]);
  edited(`note-${id}-nobits`, [{ section: s, field: 'type', value: 8 }]);
}
// The xen id is compared only after the payload's alternatives have been applied.
upload('xen-depends-wrong-and-alternative', {
  xenDepends: '00'.repeat(20),
  asm: ALT([{ feature: 93, orig: 'nop\nnop\nnop', repl: 'nop' }]),
});
