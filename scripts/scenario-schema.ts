/** The schema of a whole scenario file, for editors. `scripts/schemas.ts` writes it to docs/scenario.schema.json. */
import * as z from 'zod';
import type { ScriptVerb } from '../src/documents/index.ts';
import {
  expectSchema,
  panicShape,
  payloadSchema,
  SETTING_SCHEMAS,
  textSchema as text,
  VARIED,
  VERB_SCHEMAS,
} from '../src/run/script/file-schema.ts';

const { console } = VERB_SCHEMAS.dump.shape;

const value = z.union([z.string(), z.bigint(), z.boolean()], { error: 'has to be text, a number, true or false' });
const nothing = z.union([z.null(), z.literal(true)]);
const stepExpect = { expect: expectSchema.exactOptional() };

const oneStep = (verb: ScriptVerb, what: string): z.ZodType => {
  const long = VERB_SCHEMAS[verb];
  if (verb === 'dump' || verb === 'verify') return z.union([nothing, long]).describe(what);
  if (verb === 'list') return z.union([nothing, VERB_SCHEMAS.list.shape.payloads.unwrap(), long]).describe(what);
  return z.union([text, long]).describe(what);
};

const VERB_TEXTS: Readonly<Record<ScriptVerb, string>> = {
  upload: 'Upload a payload: its key in payloads, or { name: …, file: … }.',
  apply: 'Apply a payload.',
  revert: 'Revert a payload.',
  replace: 'Revert all that is applied and apply this payload.',
  unload: 'Unload a payload.',
  get: 'Ask for the state of a payload.',
  list: 'List payloads.',
  dump: 'Press the console key x.',
  verify: "Hold the hypervisor's live code against what is applied.",
  call: 'Call a function.',
};
const verbs = Object.keys(VERB_SCHEMAS) as ScriptVerb[];

const panicStep = z.union(
  verbs.map((verb) => z.strictObject({ [verb]: oneStep(verb, VERB_TEXTS[verb]), ...panicShape, console })),
);

const stepSchema = z.union([
  ...verbs.map((verb) => z.strictObject({ [verb]: oneStep(verb, VERB_TEXTS[verb]), ...stepExpect })),
  z.enum(['list', 'dump', 'verify']),
  z.strictObject({ panics: panicStep.describe('A verb that takes the host down; the last step.') }),
  z.strictObject({ include: text.describe('The steps of another file, in place.') }),
]);

const several = <T extends z.ZodType>(one: T, what: string) => z.union([one, z.array(one)]).describe(what);
const described = (schema: z.ZodType): string => schema.description ?? '';
const optional = <T extends z.ZodType>(schema: T) => schema.exactOptional();

/** A whole scenario file, before variables are substituted. The program itself checks a file part by part. */
const scenarioFileSchema = z
  .strictObject({
    title: optional(text.describe('What the scenario is about, in a line.')),
    include: optional(several(text, 'Files whose settings, variables, matrix and payloads are taken as defaults.')),
    variables: optional(
      z.record(z.string(), value).describe('Values for $' + '{name} in any text. Later ones may use earlier ones.'),
    ),
    matrix: optional(
      z
        .record(z.string(), z.array(value))
        .describe(
          'Settings (release, cpu, cpus, debug, loglvl) and variables with lists of values: the product is run.',
        ),
    ),
    ...Object.fromEntries(
      Object.entries(SETTING_SCHEMAS).map(([key, schema]) => [
        key,
        optional(
          (VARIED as readonly string[]).includes(key)
            ? several(schema, `${described(schema)} A list: a run for each.`)
            : schema,
        ),
      ]),
    ),
    payloads: optional(z.record(z.string(), z.union([text, payloadSchema])).describe('Payload files by name.')),
    steps: optional(z.array(stepSchema).describe('What is done, in order. A file without them is for include.')),
  })
  .describe('A scenario: steps on a Xen hypervisor, and what is expected of them.');

/** A variable, which may stand in place of any value that is not text. */
const VARIABLE = { type: 'string', pattern: '\\$\\{' } as const;

/**
 * Returns the schema of a scenario file as JSON Schema text (draft 2020-12). Whole numbers, which are exact in a scenario file and therefore bigints in
 * the zod schema, become integers. A variable is allowed wherever a number, a word, true or false is.
 */
export function scenarioFileSchemaText(): string {
  const { $schema, ...rest } = z.toJSONSchema(scenarioFileSchema, {
    target: 'draft-2020-12',
    io: 'input',
    unrepresentable: 'any',
    reused: 'ref',
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod;
      if (def.type === 'bigint') jsonSchema.type = 'integer';
      if (def.type === 'literal' && def.values.includes(0n)) Object.assign(jsonSchema, { type: 'integer', const: 0 });
      if (typeof jsonSchema.pattern === 'string') jsonSchema.pattern = `${jsonSchema.pattern}|${VARIABLE.pattern}`;
      if (def.type !== 'enum' && def.type !== 'boolean') return;
      const { description, ...rest } = jsonSchema;
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
      Object.assign(jsonSchema, { ...(description !== undefined && { description }), anyOf: [rest, VARIABLE] });
    },
  });
  const head = { $schema, $id: 'urn:xsplice:scenario-file', title: 'xsplice scenario file' };
  return `${JSON.stringify({ ...head, ...rest }, null, 2)}\n`;
}
