import type { z } from 'zod';
import type { YamlSource } from './yaml-file.ts';

export type { YamlSource };

/** The kinds of values in such files. */
export type SchemaKinds = typeof import('./schema-kinds.ts');

/**
 * Reads a YAML file that is not a scenario, with the same limits and messages. Rejects with an XspliceError (EFILE) that names file, line and column of
 * the first problem.
 *
 * @param schemaOf makes the schema of the whole file. @param what names the file in messages, as in `the manifest`.
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
