/**
 * Writes `docs/rules/` from the catalogue: `npx tsx scripts/rules.ts`. Transcripts are the program's real output.
 * `test/lint` compares them.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CATALOGUE, RULE_GROUPS, type RuleGroup, type RuleId } from '../src/catalogue/index.ts';
import { main } from '../src/cli/main.ts';
import { rulePage } from '../src/report/index.ts';
import { PAGE_CASES, type PageCase, xenOf } from '../test/lint/page-cases.ts';

export const RULES_FOLDER = fileURLToPath(new URL('../docs/rules/', import.meta.url));

/** Runs the program in a folder, and returns its output. */
async function printed(cwd: string, argv: readonly string[]): Promise<string> {
  const out: string[] = [];
  const print = (text: string): void => void out.push(text);
  const io = { stdout: print, stderr: print, isTTY: false, stderrIsTTY: false, env: {}, columns: undefined, cwd };
  await main(argv, io);
  return out.join('');
}

const PANIC = /^ {4}(?:FATAL|Xen BUG|Assertion|CONTROL-FLOW)/;

/** Maximum code lines of a finding to show. */
const CODE = 12;

/** Reduces a check to one rule: the relevant console line, and findings of the rule and of a panic. */
function cut(text: string, id: RuleId): string {
  const blocks: string[][] = [];
  for (const line of text.trimEnd().split('\n')) {
    if (/^(?:\S| {2}\S)/.test(line) || blocks.length === 0) blocks.push([]);
    blocks.at(-1)?.push(line);
  }
  const lines = blocks.flatMap(([head = '', ...rest]) => {
    const rule = /^ {2}\w+\[([a-z0-9-]+)\]/.exec(head)?.[1];
    if (rule === id || rule === 'host-panic')
      return [head, ...(rest.length > CODE ? [...rest.slice(0, 1), '    […]'] : rest)];
    if (rule !== undefined) return ['    […]'];
    const matters = rest.find((line) => PANIC.test(line)) ?? (/ refused /.test(head) ? rest.at(-1) : undefined);
    const kept = rest.length === 0 || matters === rest[0] ? [] : ['    […]'];
    return [head, ...kept, ...(matters === undefined ? [] : [matters])];
  });
  return lines.filter((line, i) => line !== '    […]' || lines[i - 1] !== line).join('\n');
}

/** Checks the payloads of a case like a user. */
async function transcriptOf(id: RuleId, page: PageCase): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'xsplice-rules-'));
  try {
    writeFileSync(join(folder, 'xen-syms'), xenOf(page));
    const files = Object.entries(page.payloads).map(([name, bytes]) => {
      writeFileSync(join(folder, `${name}.livepatch`), bytes);
      return `${name}.livepatch`;
    });
    const { release, cpu } = page;
    const options = [
      ...(release === undefined ? [] : ['--release', release]),
      ...(cpu === undefined ? [] : ['--cpu', cpu]),
    ];
    const argv = ['check', ...files, '--xen', 'xen-syms', ...options];
    return `$ xsplice ${argv.join(' ')}\n${cut(await printed(folder, argv), id)}\n`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Returns the page of a group of ids without pages of their own. */
const groupPage = ({ title, about, rules }: RuleGroup): string =>
  `# ${title}\n\n${about}\n\n${rules.map((id) => rulePage(id).replace(/^#/gm, '##')).join('\n')}`;

const link = (group: RuleGroup, id: RuleId): string => (group.id === 'lint' ? `${id}.md` : `${group.id}.md#${id}`);

const index = (): string =>
  [
    '# Rules',
    '',
    'Every finding of xsplice has an id, and each id is explained here. `xsplice rules` lists them, `xsplice rules ID` explains one.',
    '',
    ...RULE_GROUPS.flatMap((group) => [
      `## ${group.title}`,
      '',
      group.about,
      '',
      '| id | default | finds |',
      '|---|---|---|',
      ...group.rules.map(
        (id) => `| [${id}](${link(group, id)}) | ${CATALOGUE[id].severity} | ${CATALOGUE[id].title} |`,
      ),
      '',
    ]),
  ].join('\n');

/** Returns the text of every page by file name. */
export async function rulePages(): Promise<ReadonlyMap<string, string>> {
  const pages = new Map([['README.md', index()]]);
  for (const group of RULE_GROUPS) {
    if (group.id !== 'lint') pages.set(`${group.id}.md`, groupPage(group));
    else {
      for (const id of group.rules) {
        const page = id in PAGE_CASES ? PAGE_CASES[id as keyof typeof PAGE_CASES]?.() : undefined;
        pages.set(`${id}.md`, rulePage(id, page === undefined ? {} : { transcript: await transcriptOf(id, page) }));
      }
    }
  }
  return pages;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  for (const name of readdirSync(RULES_FOLDER)) rmSync(join(RULES_FOLDER, name));
  for (const [name, text] of await rulePages()) writeFileSync(join(RULES_FOLDER, name), text);
}
