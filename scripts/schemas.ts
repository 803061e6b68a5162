/** Writes docs/*.schema.json from the zod schemas: `npx tsx scripts/schemas.ts`. A test checks that they are current. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { jsonSchemaText, SCHEMAS } from '../src/documents/schemas.ts';
import { scenarioFileSchemaText } from './scenario-schema.ts';

const docs = new URL('../docs/', import.meta.url);
mkdirSync(docs, { recursive: true });
const texts = {
  ...Object.fromEntries([...SCHEMAS].map(([name, schema]) => [`${name}.schema.json`, jsonSchemaText(name, schema)])),
  'scenario.schema.json': scenarioFileSchemaText(),
};
for (const [name, text] of Object.entries(texts)) {
  const path = fileURLToPath(new URL(name, docs));
  writeFileSync(path, text);
  process.stdout.write(`${path}\n`);
}
