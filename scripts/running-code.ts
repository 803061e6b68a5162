// npx tsx scripts/running-code.ts: regenerates the table in docs/running-code.md from src/hypervisor/simulated-functions.ts.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SIMULATED_FUNCTIONS } from '../src/hypervisor/simulated-functions.ts';

export const PAGE = fileURLToPath(new URL('../docs/running-code.md', import.meta.url));

const BEGIN = '<!-- table: scripts/running-code.ts -->\n';
const END = '<!-- end of table -->';

/** Lists functions by reason, in the table's order. */
function table(): string {
  const byReason = new Map<string, string[]>();
  for (const { names, reason } of SIMULATED_FUNCTIONS) {
    byReason.set(reason, [...(byReason.get(reason) ?? []), ...names]);
  }
  const rows = [...byReason].map(
    ([reason, names]) => `| ${names.map((name) => `\`${name}\``).join(' ')} | ${reason} |`,
  );
  return `| functions | why |\n|---|---|\n${rows.join('\n')}\n`;
}

/** Returns the page with the current table. */
export function pageWithTable(page: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`${PAGE} has no place for the table`);
  return page.slice(0, from + BEGIN.length) + table() + page.slice(to);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PAGE, pageWithTable(readFileSync(PAGE, 'utf8')));
