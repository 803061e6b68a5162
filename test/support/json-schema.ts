/**
 * JSON Schema, draft 4, as far as the schema of SARIF goes. Every keyword that it does not know is an error: nothing is passed over in
 * silence. Source: draft-fge-json-schema-validation-00.
 */

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Schema = { readonly [key: string]: Json };

const isObject = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const TYPES: Readonly<Record<string, (value: Json) => boolean>> = {
  object: isObject,
  array: (value) => Array.isArray(value),
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
};

const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  uri: (text) => URL.canParse(text),
  'uri-reference': (text) =>
    !/[^\w\-.~:/?#[\]@!$&'()*+,;=%]|%(?![0-9A-F]{2})/i.test(text) && URL.canParse(text, 'x://x/'),
  'date-time': (text) => !Number.isNaN(Date.parse(text)),
};

type Check = (argument: Json, value: Json, at: string, schema: Schema, top: Schema) => string[];

const each = (value: Json, check: (member: Json, key: string) => string[]): string[] =>
  Object.entries(value as Schema).flatMap(([key, member]) => check(member, key));

const when = (holds: boolean, at: string, what: string): string[] => (holds ? [] : [`${at}: ${what}`]);

const KEYWORDS: Readonly<Record<string, Check>> = {
  id: () => [],
  $schema: () => [],
  definitions: () => [],
  $ref: (to, value, at, _schema, top) => {
    const name = /^#\/definitions\/(\w+)$/.exec(String(to))?.[1] ?? '';
    const found = (top['definitions'] as Schema)[name];
    if (!isObject(found)) throw new Error(`the schema has no ${String(to)}`);
    return validate(found, value, at, top);
  },
  type: (names, value, at) => {
    const some = ([names].flat() as string[]).map((name) => TYPES[name]);
    return when(
      some.some((fits) => fits?.(value) === true),
      at,
      `is not ${JSON.stringify(names)}`,
    );
  },
  enum: (values, value, at) => when((values as Json[]).includes(value), at, `is none of ${JSON.stringify(values)}`),
  required: (names, value, at) =>
    isObject(value) ? (names as string[]).flatMap((name) => when(name in value, at, `has no ${name}`)) : [],
  properties: (members, value, at, _schema, top) =>
    isObject(value)
      ? each(value, (member, key) => {
          const schema = (members as Schema)[key];
          return isObject(schema) ? validate(schema, member, `${at}/${key}`, top) : [];
        })
      : [],
  additionalProperties: (allowed, value, at, schema, top) =>
    isObject(value)
      ? each(value, (member, key) => {
          if (isObject(schema['properties']) && key in schema['properties']) return [];
          if (isObject(allowed)) return validate(allowed, member, `${at}/${key}`, top);
          return when(allowed === true, at, `may not have ${key}`);
        })
      : [],
  items: (schema, value, at, _schema, top) =>
    Array.isArray(value) ? value.flatMap((item: Json, i) => validate(schema as Schema, item, `${at}/${i}`, top)) : [],
  minItems: (least, value, at) => when(!Array.isArray(value) || value.length >= Number(least), at, 'has too few items'),
  uniqueItems: (unique, value, at) => {
    if (unique !== true || !Array.isArray(value)) return [];
    return when(
      new Set(value.map((item: Json) => JSON.stringify(item))).size === value.length,
      at,
      'has an item twice',
    );
  },
  minimum: (least, value, at) =>
    when(typeof value !== 'number' || value >= Number(least), at, `is below ${String(least)}`),
  maximum: (most, value, at) =>
    when(typeof value !== 'number' || value <= Number(most), at, `is above ${String(most)}`),
  pattern: (pattern, value, at) =>
    when(typeof value !== 'string' || new RegExp(String(pattern)).test(value), at, `is not like ${String(pattern)}`),
  format: (name, value, at) => {
    const fits = FORMATS[String(name)];
    if (fits === undefined) throw new Error(`the format ${String(name)} is not known`);
    return when(typeof value !== 'string' || fits(value), at, `is no ${String(name)}: ${String(value)}`);
  },
  anyOf: (schemas, value, at, _schema, top) => {
    const fits = (schemas as Schema[]).some((schema) => validate(schema, value, at, top).length === 0);
    return when(fits, at, 'fits none of several');
  },
  oneOf: (schemas, value, at, _schema, top) => {
    const fits = (schemas as Schema[]).filter((schema) => validate(schema, value, at, top).length === 0);
    return when(fits.length === 1, at, `fits ${fits.length} of several, not one`);
  },
};

/** What is wrong with a value, each with where in it; nothing where it fits the schema. */
export function validate(schema: Schema, value: Json, at = '', top: Schema = schema): string[] {
  return Object.entries(schema).flatMap(([keyword, argument]) => {
    const check = KEYWORDS[keyword];
    if (check === undefined) throw new Error(`the keyword ${keyword} is not known`);
    return check(argument, value, at, schema, top);
  });
}
