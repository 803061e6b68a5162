/** A source tree of Xen, and objects compiled from it before and after a change. */
export { affectedObjects } from './affected.ts';
export { type BuildOptions, type BuiltTree, builtTree } from './built-tree.ts';
export type { TreeCommands } from './commands.ts';
export { type CompiledPairs, compilePairs } from './compile-pairs.ts';
export { treeCommands } from './listed-commands.ts';
export { openTree, type SourceTree } from './source-tree.ts';
