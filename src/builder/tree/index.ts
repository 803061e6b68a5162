/** A source tree of Xen, and objects compiled from it before and after a change. */
export { type Affected, affectedObjects } from './affected.ts';
export type { AffectedObject } from './affected-object.ts';
export { type BuildOptions, type BuiltTree, builtTree } from './built-tree.ts';
export type { TreeChange } from './change.ts';
export { compileCommands, type TreeCommands } from './commands.ts';
export { type CompiledPairs, type CompileOptions, compilePairs, type PairProgress } from './compile-pairs.ts';
export { type ListingOptions, treeCommands } from './listed-commands.ts';
export { type BuildRelation, buildRelation } from './same-build.ts';
export { type OpenTreeOptions, openTree, type SourceTree } from './source-tree.ts';
