/** Scenario files: reading them and running them on a host. The YAML parser and the schemas are loaded only when a file is read. */
export type { ScriptFiles } from './files.ts';
export { SCRIPT_LIMITS } from './limits.ts';
export * from './load.ts';
export type { ScriptPlace } from './node.ts';
export { readYaml, type SchemaKinds, type YamlSource } from './read-yaml.ts';
export * from './run.ts';
export type { ScenarioCell, ScriptSettings, ScriptStep } from './types.ts';
