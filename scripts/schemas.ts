/** Writes docs/*.schema.json from the zod schemas: `tsx scripts/schemas.ts`. A test checks that they are current. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { jsonSchemaText, SCHEMAS } from '../src/report/schemas.ts';

const docs = new URL('../docs/', import.meta.url);
mkdirSync(docs, { recursive: true });
for (const [name, schema] of Object.entries(SCHEMAS)) {
  const path = fileURLToPath(new URL(name, docs));
  writeFileSync(path, jsonSchemaText(schema));
  process.stdout.write(`${path}\n`);
}
