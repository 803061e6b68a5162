/** Writes `docs/rules/README.md`, the index of lint's rules: `npx tsx scripts/rules.ts`. `test/lint` compares. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CATALOGUE } from '../src/catalogue/index.ts';
import { RULES } from '../src/lint/index.ts';

export const RULES_INDEX = fileURLToPath(new URL('../docs/rules/README.md', import.meta.url));

/** The text of the index. */
export const rulesIndex = (): string =>
  [
    '# Rules',
    '',
    "What `xsplice check` finds beyond Xen's own refusals. Each rule has a page: what it finds, why that hurts, how the harm",
    'looks, how to fix it, and where the fact is from. `xsplice rules` lists them, `xsplice rules ID` prints a page,',
    '`--rule ID=off|warn|error` changes what one counts as.',
    'What is true of many a sound payload is a note. `lint-not-run` says which rule could not be run, and why.',
    '',
    '| rule | default | finds |',
    '|---|---|---|',
    ...RULES.map(({ id }) => `| [${id}](${id}.md) | ${CATALOGUE[id].severity} | ${CATALOGUE[id].title} |`),
    '',
  ].join('\n');

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  writeFileSync(RULES_INDEX, rulesIndex());
}
