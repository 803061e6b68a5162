import type { LintRule } from './rule.ts';
import { altCallEncoding } from './rules/alt-call-encoding.ts';
import { alternativeEntry } from './rules/alternative-entry.ts';
import { alternativeIbt } from './rules/alternative-ibt.ts';
import { alternativeRelative } from './rules/alternative-relative.ts';
import { ambiguousSymbol } from './rules/ambiguous-symbol.ts';
import { branchInsideFunction } from './rules/branch-inside-function.ts';
import { branchIntoPatch } from './rules/branch-into-patch.ts';
import { bugTrap } from './rules/bug-trap.ts';
import { compiler } from './rules/compiler.ts';
import { debugSections } from './rules/debug-sections.ts';
import { dependencyChain } from './rules/dependency-chain.ts';
import { duplicateSection } from './rules/duplicate-section.ts';
import { earlyHookTrap } from './rules/early-hook-trap.ts';
import { endbrMissing } from './rules/endbr-missing.ts';
import { expectationAlternative } from './rules/expectation-alternative.ts';
import { funcsReadOnly } from './rules/funcs-read-only.ts';
import { hookWritesReadOnly } from './rules/hook-writes-read-only.ts';
import { initReference } from './rules/init-reference.ts';
import { inlinedCopy } from './rules/inlined-copy.ts';
import { largePayload } from './rules/large-payload.ts';
import { linksToPayload } from './rules/links-to-payload.ts';
import { loaderCrash } from './rules/loader-crash.ts';
import { longSymbol } from './rules/long-symbol.ts';
import { metadata } from './rules/metadata.ts';
import { neverReturns } from './rules/never-returns.ts';
import { nondeterministic } from './rules/nondeterministic.ts';
import { nopRange } from './rules/nop-range.ts';
import { overlap } from './rules/overlap.ts';
import { patchingPath } from './rules/patching-path.ts';
import { payloadBugFrame } from './rules/payload-bug-frame.ts';
import { reapply } from './rules/reapply.ts';
import { relocationReach } from './rules/relocation-reach.ts';
import { replaceHooks } from './rules/replace-hooks.ts';
import { stateInFile } from './rules/state-in-file.ts';
import { structLayout } from './rules/struct-layout.ts';
import { symbolCollision } from './rules/symbol-collision.ts';
import { trampolineTooLong } from './rules/trampoline-too-long.ts';
import { trapSitePatched } from './rules/trap-site-patched.ts';
import { trapTableOutside } from './rules/trap-table-outside.ts';
import { unresolvedSymbol } from './rules/unresolved-symbol.ts';
import { wrongFlags } from './rules/wrong-flags.ts';

/** Every rule, in the order of the findings: crashes of the host first, untidiness last. */
export const RULES: readonly LintRule[] = [
  loaderCrash,
  funcsReadOnly,
  stateInFile,
  alternativeEntry,
  alternativeRelative,
  alternativeIbt,
  altCallEncoding,
  initReference,
  structLayout,
  trampolineTooLong,
  branchIntoPatch,
  branchInsideFunction,
  nopRange,
  overlap,
  expectationAlternative,
  trapSitePatched,
  trapTableOutside,
  bugTrap,
  payloadBugFrame,
  earlyHookTrap,
  endbrMissing,
  hookWritesReadOnly,
  wrongFlags,
  patchingPath,
  inlinedCopy,
  neverReturns,
  symbolCollision,
  unresolvedSymbol,
  ambiguousSymbol,
  linksToPayload,
  dependencyChain,
  replaceHooks,
  relocationReach,
  metadata,
  duplicateSection,
  longSymbol,
  largePayload,
  reapply,
  debugSections,
  nondeterministic,
  compiler,
];
