import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, fromLatin1, hex } from '../../src/base/index.ts';
import { encodeBuildIdNote, parseBuildId, xenBuildIdCheck } from '../../src/xen/index.ts';
import { assemble, link, objcopy } from '../support/gcc.ts';

interface Note {
  readonly namesz?: number;
  readonly descsz?: number;
  readonly type?: number;
  readonly rest?: string;
}

/** Builds a note section from raw parts; the default build-id is `aabbccdd`. */
function note({ namesz = 4, descsz = 4, type = 3, rest = 'GNU\0\xaa\xbb\xcc\xdd' }: Note): Uint8Array {
  const bytes = new Uint8Array(12 + rest.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, namesz, true);
  view.setUint32(4, descsz, true);
  view.setUint32(8, type, true);
  bytes.set(fromLatin1(rest), 12);
  return bytes;
}

const outcome = (section: Uint8Array): string => {
  const result = parseBuildId(section);
  return result.ok ? hex(result.id) : result.errno;
};

describe('parseBuildId', () => {
  it.each<[string, Note, string]>([
    ['a build-id', {}, 'aabbccdd'],
    ['another type', { type: 4 }, 'ENODATA'],
    ['another type comes before a bad name size', { type: 4, namesz: 0 }, 'ENODATA'],
    ['sizes that overflow 32 bits', { namesz: 0xffff_fff0, descsz: 0x20 }, 'EINVAL'],
    ['a short name', { namesz: 3 }, 'EINVAL'],
    ['a short name comes before a foreign one', { namesz: 3, rest: 'XYZ\0\xaa\xbb\xcc\xdd' }, 'EINVAL'],
    ['too large a descriptor', { descsz: 5 }, 'EINVAL'],
    ['too large a name', { namesz: 9, descsz: 0 }, 'EINVAL'],
    ['size comes before a foreign name', { descsz: 5, rest: 'XYZ\0\xaa\xbb\xcc\xdd' }, 'EINVAL'],
    ['a foreign name', { rest: 'GNV\0\xaa\xbb\xcc\xdd' }, 'ENODATA'],
    ['a name that goes on', { rest: 'GNUX\xaa\xbb\xcc\xdd' }, 'ENODATA'],
    ['a longer name behind the NUL', { namesz: 8, rest: 'GNU\0whatXYZW' }, '58595a57'],
    ['an empty descriptor', { descsz: 0 }, 'EINVAL'],
    ['trailing bytes', { descsz: 2 }, 'aabb'],
  ])('%s', (_what, parts, expected) => {
    expect(outcome(note(parts))).toBe(expected);
  });

  it('needs more than the header', () => {
    for (let length = 0; length <= 12; length++) expect(outcome(note({}).subarray(0, length))).toBe('EINVAL');
    // One byte of name: Xen reads the type first.
    expect(outcome(note({}).subarray(0, 13))).toBe('EINVAL');
    expect(outcome(note({ type: 1 }).subarray(0, 13))).toBe('ENODATA');
  });

  it('reports a descriptor that exceeds the section, which the check misses due to padding', () => {
    const section = note({ namesz: 5, descsz: 3 });
    expect(parseBuildId(section)).toEqual({ ok: true, id: new Uint8Array(0), offset: 20, length: 3 });
  });

  it('accepts an empty descriptor in the inner check', () => {
    expect(xenBuildIdCheck(note({ descsz: 0 }))).toMatchObject({ ok: true, length: 0, offset: 16 });
  });

  it('reads what ld writes', () => {
    const id = '0123456789abcdef0123456789abcdef01234567';
    const object = link([assemble('.globl _start\n_start: nop\n')], [`--build-id=0x${id}`]);
    const section = objcopy(object, ['-O', 'binary', '-j', '.note.gnu.build-id']);
    expect(outcome(section)).toBe(id);
    expect(encodeBuildIdNote(fromHex(id) ?? new Uint8Array(0))).toEqual(section);
  });

  it('accepts any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const result = parseBuildId(bytes);
        if (result.ok) expect(result.id.length).toBeLessThanOrEqual(result.length);
        else expect(['EINVAL', 'ENODATA']).toContain(result.errno);
      }),
    );
  });

  it('reads its own notes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (id) => {
        expect(outcome(encodeBuildIdNote(id))).toBe(hex(id));
      }),
    );
  });
});
