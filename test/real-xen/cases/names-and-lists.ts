import { add, type Step } from './define.ts';

// ---------------------------------------------------------------------------------- names, pads, unknown operations
const NAME = (n: string): Step[] => [
  { upload: 'p', as: n },
  { get: n },
  { list: { idx: 0, nr: 4 } },
  { apply: n },
  { revert: n },
  { unload: n },
];
add('name-127', { p: {} }, NAME('n'.repeat(127)));
add('name-empty', { p: {} }, NAME(''));
add('name-unprintable', { p: {} }, NAME('a\x01\x7f\xff\x1b[31m%s%d'));
add('name-newline', { p: {} }, NAME('first\nsecond'));
add('name-failing-newline', { p: { depends: null } }, [
  { upload: 'p', as: 'first\nsecond' },
  { upload: 'p', as: 'n'.repeat(127) },
  { upload: 'p', as: '' },
]);
add('name-sizes', { p: {} }, [
  { raw: { sub: 0, payload: 'p', name: 'x', nameSize: 0 } },
  { raw: { sub: 0, payload: 'p', name: 'n'.repeat(128), nameSize: 129 } },
  { raw: { sub: 0, payload: 'p', name: 'n'.repeat(128), nameSize: 128 } },
  { raw: { sub: 0, payload: 'p', name: 'x', nameSize: 1 } },
  { raw: { sub: 0, payload: 'p', name: 'x', nameSize: 0xffff } },
  { raw: { sub: 0, payload: 'p', name: 'ab\0cd', nameSize: 6 } },
  { list: { idx: 0, nr: 4 } },
  { get: 'ab' },
  { raw: { sub: 1, name: 'ab\0xy', nameSize: 6 } },
  { raw: { sub: 1, name: 'ab', nameSize: 2 } },
  { raw: { sub: 1, name: 'ab', nameSize: 0 } },
  { raw: { sub: 1, name: 'ab', nameSize: 129 } },
  { raw: { sub: 3, action: 3, name: 'ab', nameSize: 0 } },
  { raw: { sub: 3, action: 3, name: 'ab', nameSize: 2 } },
  { raw: { sub: 3, action: 3, name: 'ab\0zz', nameSize: 6 } },
]);
add('pads-and-unknown', { p: {} }, [
  { raw: { sub: 0, payload: 'p', name: 'x', opPad: 1 } },
  ...[0, 1, 2].map(
    (i): Step => ({
      raw: {
        sub: 0,
        payload: 'p',
        name: 'x',
        namePad: [0, 0, 0].map((_, k) => +(k === i)) as [number, number, number],
      },
    }),
  ),
  { raw: { sub: 1, name: 'x', opPad: 0x80000000 } },
  { raw: { sub: 1, name: 'x', namePad: [0, 0, 1] } },
  { raw: { sub: 2, opPad: 1, list: { idx: 0, nr: 0 } } },
  { raw: { sub: 3, opPad: 1, action: 1, name: 'x' } },
  { raw: { sub: 3, action: 1, name: 'x', namePad: [1, 0, 0] } },
  { raw: { sub: 3, action: 1, name: 'x', actionPad: 1 } },
  { raw: { sub: 3, action: 99, name: '', nameSize: 0, actionPad: 1 } },
  { raw: { sub: 4 } },
  { raw: { sub: 0xffffffff } },
  { raw: { sub: 4, opPad: 1 } },
  { raw: { sub: 1, name: 'x', interfaceVersion: 0x14 } },
  { raw: { sub: 1, name: 'x', interfaceVersion: 0x16 } },
  { raw: { sub: 1, name: 'x', interfaceVersion: 0 } },
]);
add('upload-sizes', { p: {}, two: { edits: [{ growTo: 0x200000 }] }, over: { edits: [{ growTo: 0x200001 }] } }, [
  { raw: { sub: 0, payload: 'p', name: 'x', uploadSize: 0 } },
  { upload: 'over' },
  { raw: { sub: 0, payload: 'p', name: 'x', uploadSize: 63 } },
  { raw: { sub: 0, payload: 'p', name: 'x', uploadSize: 64 } },
  { upload: 'two' },
  { apply: 'two' },
]);
const XEN_POINTER = 'ffff82d040200000';
add('bad-pointers', { p: {} }, [
  { raw: { sub: 0, payload: 'p', name: 'x', namePointer: '0' } },
  { raw: { sub: 0, payload: 'p', name: 'x', namePointer: XEN_POINTER } },
  { raw: { sub: 0, payload: 'p', name: 'x', payloadPointer: '0' } },
  { raw: { sub: 0, payload: 'p', name: 'x', payloadPointer: XEN_POINTER } },
  { raw: { sub: 0, payload: 'p', name: 'x', payloadPointer: '8000000000000000' } },
  { raw: { sub: 1, name: 'x', namePointer: '0' } },
  { raw: { sub: 3, action: 1, name: 'x', namePointer: '0' } },
  { raw: { sub: 3, action: 1, name: 'x', namePointer: XEN_POINTER } },
  { upload: 'p' },
  { raw: { sub: 0, payload: 'p', name: 'p', payloadPointer: '0' } },
  { raw: { sub: 0, payload: 'p', name: 'p', uploadSize: 0x200001 } },
  ...(['status', 'name', 'len', 'metadata', 'metadataLen'] as const).flatMap((k): Step[] => [
    { list: { idx: 0, nr: 1, pointers: { [k]: '0' } } },
    { list: { idx: 0, nr: 1, pointers: { [k]: XEN_POINTER } } },
  ]),
  { list: { idx: 0, nr: 0, pointers: { status: XEN_POINTER, len: XEN_POINTER, metadataLen: XEN_POINTER } } },
]);

// ---------------------------------------------------------------------------------- LIST
add('list-empty', {}, [
  { list: { idx: 0, nr: 0 } },
  { list: { idx: 5, nr: 0 } },
  { list: { idx: 5, nr: 3 } },
  { list: { idx: 0, nr: 1024 } },
  { list: { idx: 0, nr: 1025 } },
  { list: { idx: 0, nr: 0, pad: 1 } },
  { list: { idx: 0, nr: 1025, pad: 1 } },
]);
add(
  'list-pages',
  {
    a: { modinfo: 'one=1\0' },
    b: { symbol: 'fn_b' },
    c: { symbol: 'fn_c', modinfo: 'x\0y\0' },
    d: { symbol: 'fn_d', modinfo: '\0' },
  },
  [
    { upload: 'a', as: 'first' },
    { upload: 'b', as: 'second payload' },
    { upload: 'c', as: '3' },
    { upload: 'd' },
    { list: { idx: 0, nr: 0 } },
    { list: { idx: 3, nr: 0 } },
    { list: { idx: 4, nr: 0 } },
    { list: { idx: 0, nr: 1 } },
    { list: { idx: 0, nr: 2 } },
    { list: { idx: 1, nr: 2 } },
    { list: { idx: 3, nr: 8 } },
    { list: { idx: 0, nr: 1024 } },
    { list: { idx: 4, nr: 1 } },
    { list: { idx: 0xffffffff, nr: 1 } },
    { list: { idx: 4, nr: 1025 } },
    { list: { idx: 4, nr: 1, pad: 7 } },
    { unload: 'second payload' },
    { list: { idx: 0, nr: 8 } },
    { list: { idx: 2, nr: 8 } },
    { upload: 'b' },
    { list: { idx: 0, nr: 8 } },
    { apply: '3' },
    { upload: 'b' },
    { list: { idx: 0, nr: 8 } },
    { dump: 'x' },
  ],
);
