import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PAGE, pageWithTable } from '../../scripts/running-code.ts';

it('docs/running-code.md names every simulated function', () => {
  const page = readFileSync(PAGE, 'utf8');
  expect(page, 'run `npx tsx scripts/running-code.ts`').toBe(pageWithTable(page));
});
