import type { ConformCase, ConformStep } from '../case.ts';

/** Cases about the calls themselves: names, lists, and what no toolstack sends. */

const named = (name: string): ConformStep[] => [
  { upload: 'p', as: name },
  { get: name },
  { list: { idx: 0, nr: 4 } },
  { apply: name },
  { revert: name },
  { unload: name },
];

export const CALL_CASES: readonly ConformCase[] = [
  { name: 'name-127', payloads: { p: {} }, steps: named('n'.repeat(127)) },
  {
    name: 'name-128',
    payloads: { p: {} },
    steps: [
      { upload: 'p', as: 'n'.repeat(128) },
      { get: 'n'.repeat(128) },
      { apply: 'n'.repeat(128) },
      { list: { idx: 0, nr: 2 } },
    ],
  },
  { name: 'name-empty', payloads: { p: {} }, steps: named('') },
  { name: 'name-unprintable', payloads: { p: {} }, steps: named('a\x01\x7f\xff\x1b[31m%s%d') },
  { name: 'name-newline', payloads: { p: {} }, steps: named('first\nsecond') },
  {
    name: 'list-empty',
    steps: [
      { list: { idx: 0, nr: 0 } },
      { list: { idx: 5, nr: 0 } },
      { list: { idx: 5, nr: 3 } },
      { list: { idx: 0, nr: 1024 } },
      { list: { idx: 0, nr: 1025 } },
    ],
  },
  {
    name: 'list-pages',
    payloads: {
      a: { modinfo: 'one=1\0' },
      b: { code: [{ symbol: 'fn_b', returns: 'b' }] },
      c: { code: [{ symbol: 'fn_c', returns: 'c' }], modinfo: 'x\0y\0' },
      d: { code: [{ symbol: 'fn_d', returns: 'd' }], modinfo: '\0' },
    },
    steps: [
      { upload: 'a', as: 'first' },
      { upload: 'b', as: 'second payload' },
      { upload: 'c', as: '3' },
      { upload: 'd' },
      ...[
        [0, 0],
        [3, 0],
        [4, 0],
        [0, 1],
        [0, 2],
        [1, 2],
        [3, 8],
        [0, 1024],
        [4, 1],
        [0xffff_ffff, 1],
        [4, 1025],
      ].map(([idx, nr]): ConformStep => ({ list: { idx: idx as number, nr: nr as number } })),
      { unload: 'second payload' },
      { list: { idx: 0, nr: 8 } },
      { list: { idx: 2, nr: 8 } },
      { upload: 'b' },
      { list: { idx: 0, nr: 8 } },
      { apply: '3' },
      { list: { idx: 0, nr: 8 } },
    ],
  },
  {
    name: 'raw-interface',
    payloads: { p: {} },
    steps: [
      { raw: { op: 'get', name: 'x', interfaceVersion: 0 } },
      { raw: { op: 'get', name: 'x', interfaceVersion: 0x14 } },
      { raw: { op: 'get', name: 'x', interfaceVersion: 0x7fff } },
      { raw: { op: { number: 4 } } },
      { raw: { op: { number: 0xffff_ffff } } },
      { raw: { op: { number: 4 }, word: 1 } },
    ],
  },
  {
    name: 'raw-pads',
    payloads: { p: {} },
    steps: [
      { raw: { op: 'get', name: 'x', word: 0x8000_0000 } },
      { raw: { op: 'list', idx: 0, nr: 0, word: 2 } },
      { raw: { op: 'action', name: 'x', action: 1, word: 2 } },
      { raw: { op: 'list', idx: 0, nr: 0, pad: 1 } },
      { raw: { op: 'list', idx: 0, nr: 1025, pad: 1 } },
      { raw: { op: 'action', name: 'x', action: 1, pad: 1 } },
      ...[0, 1, 2].map(
        (at): ConformStep => ({
          raw: {
            op: 'upload',
            payload: 'p',
            name: 'x',
            namePad: [0, 1, 2].map((i) => Number(i === at)) as [number, number, number],
          },
        }),
      ),
    ],
  },
  {
    name: 'raw-names',
    payloads: { p: {} },
    steps: [
      { raw: { op: 'upload', payload: 'p', name: 'x', nameSize: 0 } },
      { raw: { op: 'upload', payload: 'p', name: 'n'.repeat(128), nameSize: 128 } },
      { raw: { op: 'upload', payload: 'p', name: 'x', nameSize: 1 } },
      { raw: { op: 'upload', payload: 'p', name: 'x', nameSize: 0xffff } },
      { raw: { op: 'upload', payload: 'p', name: 'ab\0cd', nameSize: 6 } },
      { list: { idx: 0, nr: 4 } },
      { get: 'ab' },
      { raw: { op: 'get', name: 'ab\0xy', nameSize: 6 } },
      { raw: { op: 'get', name: 'ab', nameSize: 2 } },
      { raw: { op: 'action', action: 3, name: 'ab', nameSize: 0 } },
      { raw: { op: 'action', action: 3, name: 'ab\0zz', nameSize: 6 } },
      { get: 'ab' },
    ],
  },
  {
    name: 'raw-sizes',
    payloads: { p: {} },
    steps: [
      { raw: { op: 'upload', payload: 'p', name: 'x', size: 0 } },
      { raw: { op: 'upload', payload: 'p', name: 'x', size: 63 } },
      { raw: { op: 'upload', payload: 'p', name: 'x', size: 64 } },
      { raw: { op: 'upload', payload: 'p', name: 'x', size: 0x20_0001 } },
    ],
  },
  {
    name: 'raw-actions',
    payloads: { p: {} },
    steps: [
      { raw: { op: 'action', action: 9, name: 'nosuch' } },
      { upload: 'p' },
      ...[0, 5, 0xffff_ffff].map((action): ConformStep => ({ raw: { op: 'action', action, name: 'p' } })),
      { raw: { op: 'action', action: 3, name: 'p', flags: 0x8000_0000 } },
      { get: 'p' },
    ],
  },
];
