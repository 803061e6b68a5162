import { beforeAll, describe, expect, it } from 'vitest';
import { viewOf } from '../../src/base/index.ts';
import { gunzip } from '../../src/cli/gunzip.ts';
import { inflate } from '../../src/cli/inflate.ts';
import { PORTS } from '../../src/cli/ports.ts';
import { diffPairs, type PairsDiff } from '../../src/diff/index.ts';
import { isProblem, readElf } from '../../src/elf/index.ts';
import { openSimulation } from '../../src/run/index.ts';
import { exampleBytes } from '../support/examples.ts';
import { compileMiniature } from '../support/miniature-source.ts';

const { image, release } = openSimulation(exampleBytes('miniature-xen'), { gunzip });
let orig: Uint8Array;
let patched: Uint8Array;
let diff: (orig: Uint8Array, patched: Uint8Array) => PairsDiff;

beforeAll(async () => {
  const disassembler = await PORTS.loadDisassembler();
  diff = (before, after) =>
    diffPairs(image, release, [{ object: 'common/kernel.o', orig: before, patched: after }], {
      disassembler,
      inflate,
      name: 'fix',
      debugData: true,
    });
  const edit = ["to[i] = '\\0';\n    return 0;", "to[i] = '\\0';\n    return from[i] ? -1 : 0;"] as const;
  orig = compileMiniature('x86_64', 'common/kernel.c', [], ['-g']);
  patched = compileMiniature('x86_64', 'common/kernel.c', [edit], ['-g']);
});

/** The object with another alignment of a section. */
function aligned(bytes: Uint8Array, section: string, alignment: bigint): Uint8Array {
  const copy = bytes.slice();
  const elf = readElf(copy);
  if (isProblem(elf)) throw new Error(elf.message);
  const index = elf.section(section)?.index ?? 0;
  // sh_addralign is at 48 of 64 bytes.
  viewOf(copy).setBigUint64(Number(elf.header.e_shoff) + index * 64 + 48, alignment, true);
  return copy;
}

describe('damaged objects', () => {
  it('are built from where they are sound', () => {
    expect(diff(orig, patched)).toMatchObject({ verdict: 'built', refusals: [] });
  });

  it.each([1n << 40n, 0xffff_ffff_ffff_ffffn, 0x20000n, 3n])(
    'with a section aligned to %i bytes are refused',
    (alignment) => {
      const { verdict, refusals } = diff(orig, aligned(patched, '.text.do_xen_version', alignment));
      expect(verdict).toBe('refused');
      expect(refusals[0]?.message).toMatch(
        /^section \.text\.do_xen_version of the patched .* has an implausible alignment of \d+/,
      );
    },
  );

  it('may say that a section needs no alignment', () => {
    expect(diff(orig, aligned(patched, '.text.do_xen_version', 0n)).verdict).toBe('built');
  });

  it('never end in anything but a verdict', () => {
    // A linear congruential generator: the same mutants each time.
    let seed = 7;
    const below = (limit: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * limit);
    };
    const verdicts = new Map<string, number>();
    for (let i = 0; i < 400; i++) {
      const pair = [orig.slice(), patched.slice()] as const;
      const file = pair[below(2) === 0 ? 0 : 1];
      for (let k = 0; k < 8; k++) {
        // Headers, symbols and relocations are at the end.
        const at = below(3) === 0 ? below(file.length) : file.length - 1 - below(6000);
        file[at] = below(256);
      }
      const { verdict } = diff(...pair);
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    }
    expect([...verdicts.keys()].sort()).toEqual(['built', 'refused', 'unchanged']);
  });
});
