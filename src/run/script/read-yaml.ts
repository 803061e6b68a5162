import type { z } from 'zod';
import type { YamlSource } from './yaml-file.ts';

export type { YamlSource };

/** The kinds of values that such files are made of. */
export type SchemaKinds = typeof import('./schema-kinds.ts');

/**
 * Reads a YAML file of another kind than scenarios, within the same limits and with the same messages. Rejects with an XspliceError (EFILE) that
 * has file, line and column of the first thing that is wrong.
 *
 * @param schemaOf makes the schema of the whole file. @param what the file in words: `the manifest`.
 */
export async function readYaml<S extends z.ZodType>(
  source: YamlSource,
  what: string,
  schemaOf: (kinds: SchemaKinds) => S,
): Promise<z.output<S>> {
  const [{ parseYaml }, { checkValue }, kinds] = await Promise.all([
    import('./yaml-file.ts'),
    import('./check-value.ts'),
    import('./schema-kinds.ts'),
  ]);
  return checkValue(schemaOf(kinds), await parseYaml(source), what);
}
