import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { render } from './render.ts';
import { callText, type Difference, type Outcome, type Patch } from './run.ts';

/** Writes a disagreement to a folder of its own: both versions of each file, and a README that says what differs and how to see it again. */
export function keepDisagreement(
  folder: string,
  arch: string,
  patch: Patch,
  { differences }: Outcome & { readonly kind: 'disagreed' },
): string {
  const { seed, index, before, after, edits, flags, history } = patch;
  const path = join(folder, `patch-${arch}-${seed}-${index}`);
  mkdirSync(path, { recursive: true });
  for (const [side, program] of [
    ['before', before],
    ['after', after],
  ] as const) {
    for (const [name, text] of Object.entries(render(program, 'shown'))) {
      writeFileSync(join(path, name.endsWith('b.c') ? `${side}-b.c` : `${side}.c`), text);
    }
  }
  const lines = [
    ...edits.map(({ edit, what }) => `- ${edit}: ${what}`),
    '',
    `flags: ${flags.length === 0 ? 'none' : flags.join(' ')}`,
    `again: npm run patches -- --arch ${arch} --seed ${seed} --from ${index} --count 1`,
    '',
    `calls before the payload: ${history.map(callText).join(', ')}`,
    '',
    'host: what the host with the payload did; source: what the hypervisor compiled from the patched sources did.',
    '',
    ...differences.flatMap(differenceLines),
  ];
  writeFileSync(join(path, 'README.md'), `${lines.join('\n')}\n`);
  return path;
}

const differenceLines = ({ when, call, host, source }: Difference): string[] => [
  `- ${when}, ${call}`,
  `  - host:   ${JSON.stringify(host)}`,
  `  - source: ${JSON.stringify(source)}`,
];
