/** Scenario files: read, run on a host, compare two hosts. What reads YAML and checks it is loaded when a file is read. */
export type { ScriptFiles } from './files.ts';
export { SCRIPT_LIMITS } from './limits.ts';
export * from './load.ts';
export type { ScriptPlace } from './node.ts';
export { readYaml, type SchemaKinds, type YamlSource } from './read-yaml.ts';
export * from './run.ts';
export * from './simulate.ts';
export type { ScenarioCell, ScriptSettings, ScriptStep } from './types.ts';
