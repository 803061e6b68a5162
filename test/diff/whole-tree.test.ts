import { beforeAll, describe, expect, it } from 'vitest';
import { gunzip } from '../../src/cli/gunzip.ts';
import type { Selection } from '../../src/diff/selection.ts';
import { checkSlice, openSimulation } from '../../src/run/index.ts';
import { type BuiltTree, builtTree, type TreeArch } from './support/built-tree.ts';
import { forcedPayload, replaceable } from './support/forced-payload.ts';
import { disassembler } from './support/subject.ts';
import { isLinkedIn, unchanged } from './support/whole-object.ts';

/** Findings that are right: about the objects, none of them about how the payload was made. */
const EXPECTED: readonly { readonly arch: readonly TreeArch[]; readonly finding: RegExp; readonly why: string }[] = [
  { arch: ['x86_64', 'arm64'], finding: /^warning patching-path /, why: 'the functions that patch are replaced' },
  { arch: ['x86_64', 'arm64'], finding: /^warning never-returns /, why: 'so are those of idle CPUs' },
  {
    arch: ['x86_64', 'arm64'],
    finding: /^warning nondeterministic common\/version\.o /,
    why: 'the time of the build is in it',
  },
  {
    arch: ['x86_64'],
    finding: /^warning branch-inside-function arch\/x86\/shutdown\.o .*__machine_halt /,
    why: 'for ( ; ; ) halt(); is one jump back to its first bytes',
  },
  {
    arch: ['x86_64'],
    finding: /^error (?:host-panic|init-reference) arch\/x86\/cpu\/vpmu\.o .*vpmu_ops/,
    why: 'alternative calls through vpmu_ops, which is __initdata in 4.17.5',
  },
];

/** Why functions of objects are left out; all others are in. */
const LEFT_OUT: Readonly<Record<TreeArch, readonly RegExp[]>> = {
  x86_64: [/the jump that patches it needs/, /shares the section \.text(?:\.entry)? with other functions/],
  // CBZ and B.cond reach 1 MiB; assembly goes on in another function by one.
  arm64: [
    /memmove branches to memcpy \(R_AARCH64_CONDBR19\)/,
    /bpi\.o: \w+ shares the section \.text with other functions/,
  ],
};

/** Least numbers of payloads, and of pieces of each kind in them: what is special in objects has to have been there. */
const LEAST: Readonly<Record<TreeArch, Readonly<Record<string, number>>>> = {
  x86_64: {
    payloads: 320,
    functions: 3700,
    cold: 10,
    'per-CPU': 1800,
    '.fixup': 250,
    '.ex_table': 250,
    '.altinstructions': 4500,
    '.altinstr_replacement': 600,
    '.bug_frames.0': 10,
    '.bug_frames.1': 20,
    '.bug_frames.2': 450,
  },
  arm64: {
    payloads: 170,
    functions: 1800,
    'per-CPU': 2500,
    '.altinstructions': 230,
    '.altinstr_replacement': 230,
    '.bug_frames.0': 3,
    '.bug_frames.1': 3,
    '.bug_frames.2': 190,
  },
};

/** Counts what is in a payload. */
function count(counts: Map<string, number>, selection: Selection): void {
  const add = (key: string, more = 1): void => {
    counts.set(key, (counts.get(key) ?? 0) + more);
  };
  const { patched } = selection.diff.comparator;
  add('payloads');
  for (const { unit } of selection.replacements) {
    add('functions');
    add('cold', unit.cold.length);
  }
  for (const piece of selection.pieces) {
    add(piece.section.name);
    for (const { target } of patched.references(piece)) {
      const outside = target.kind === 'external' && target.name.startsWith('per_cpu__');
      if (outside || (target.kind === 'piece' && target.piece.kind === 'percpu')) add('per-CPU');
    }
  }
}

describe.each(['x86_64', 'arm64'] as const)('payloads of whole objects on %s', (arch) => {
  let tree: BuiltTree;
  beforeAll(async () => {
    tree = await builtTree(arch);
  }, 300_000);

  it('are accepted, and lint finds what is so', { timeout: 300_000 }, async () => {
    const simulation = openSimulation(tree.imageBytes, { gunzip });
    const counts = new Map<string, number>();
    const leftOut: string[] = [];
    const refused: string[] = [];
    const findings: string[] = [];
    for (const each of tree.objects()) {
      const diff = unchanged(tree, each);
      if (!isLinkedIn(tree, diff)) continue;
      const { selection, leftOut: here } = replaceable(tree, diff);
      leftOut.push(...here.map((reason) => `${each.object}: ${reason}`));
      if (selection.replacements.length === 0) continue;
      count(counts, selection);
      const bytes = await forcedPayload(tree, selection);
      const { payloads } = await checkSlice(simulation, [{ file: each.object, name: 'x', bytes }], {
        gunzip,
        loadDisassembler: disassembler,
      });
      for (const payload of payloads) {
        if (payload.verdict === 'refused') refused.push(each.object);
        for (const { rule, severity, message, where } of payload.findings) {
          if (severity !== 'note') findings.push(`${severity} ${rule} ${each.object} ${where.symbol} ${message}`);
        }
      }
    }
    expect(refused).toEqual([]);
    const expected = EXPECTED.filter((row) => row.arch.includes(arch));
    expect(findings.filter((finding) => !expected.some((row) => row.finding.test(finding)))).toEqual([]);
    // A row that is true of nothing any more is to go.
    expect(expected.filter((row) => !findings.some((finding) => row.finding.test(finding)))).toEqual([]);
    const reasons = LEFT_OUT[arch];
    expect(leftOut.filter((reason) => !reasons.some((known) => known.test(reason)))).toEqual([]);
    expect(reasons.filter((known) => !leftOut.some((reason) => known.test(reason)))).toEqual([]);
    const low = Object.entries(LEAST[arch]).filter(([key, least]) => (counts.get(key) ?? 0) < least);
    expect(low.map(([key, least]) => `${key}: ${counts.get(key) ?? 0}, at least ${least}`)).toEqual([]);
  });
});
