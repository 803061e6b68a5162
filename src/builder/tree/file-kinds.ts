import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { archFolder } from './arch-folder.ts';
import { sameCode } from './c-text.ts';
import type { TreeChange } from './change.ts';
import type { SourceTree } from './source-tree.ts';

/** Role of a changed file in the hypervisor's build. */
export interface FileKind {
  /** Does a compiler read it? Otherwise it is a Makefile, or one of the next two. */
  readonly code: boolean;
  readonly problem?: string;
  readonly advice: string;
  readonly remark?: string;
  /** Does the build generate headers from it? */
  readonly makesHeaders?: boolean;
}

const CODE: FileKind = { code: true, advice: '' };

/** `arch/…`, and before 4.16 `include/asm-…`. */
const ARCH_PLACE = /^(?:arch\/|include\/asm-)(\w+)\//;

export const isMakefile = (path: string): boolean => /^(?:Makefile|Kbuild|.*\.mk)$/.test(basename(path));

const LEAVE_OUT = 'Remove this hunk if the fix works without it. Otherwise, build and boot a new hypervisor.';

/** Unsupported files: paths from `xen/`, and the reason. The first match wins. */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/(?:^|\/)Kconfig[^/]*$/, 'it changes configuration options, which a live patch cannot'],
  [/^(?:tools|scripts)\//, 'it changes a build tool, and the tool’s output may change too'],
];

/** The header from which xen/tools/gen-cpuid.py generates another. */
const CPU_FEATURES = 'include/public/arch-x86/cpufeatureset.h';

/** Source of the list of hypercalls, for xen/scripts/gen_hypercall.awk. */
const HYPERCALLS = 'include/hypercall-defs.c';

/** Controls the compat headers. Their generators never run in a patched form. */
const LIST = 'include/xlat.lst';

/** Returns a changed file's role, from its place in the tree. */
export function kindOfFile(tree: SourceTree, change: TreeChange): FileKind {
  const { path } = change;
  if (!path.startsWith('xen/')) {
    if (/^(?:Config\.mk|config\/)/.test(path)) return refused('it may change the flags of all compilations', LEAVE_OUT);
    return { code: false, advice: '', remark: 'skipped: not part of the hypervisor' };
  }
  const below = path.slice('xen/'.length);
  if (below.startsWith('test/')) return { code: false, advice: '', remark: 'skipped: a test of Xen' };
  if (/\/configs\/\w+_defconfig$/.test(below))
    return { code: false, advice: '', remark: 'skipped: a default configuration' };
  const arch = ARCH_PLACE.exec(below)?.[1];
  if (arch !== undefined && arch !== archFolder(tree.arch) && arch !== 'generic') {
    return { code: false, advice: '', remark: `skipped: not compiled for ${tree.arch}` };
  }
  if (below === LIST) return { code: false, advice: '', makesHeaders: true };
  const row = REFUSED.find(([pattern]) => pattern.test(below));
  if (row !== undefined) return refused(row[1], LEAVE_OUT);
  if (isMakefile(path)) return { code: false, advice: '' };
  return { ...CODE, makesHeaders: makesHeaders(tree, below, change) };
}

const refused = (problem: string, advice: string): FileKind => ({ code: false, problem, advice });

function makesHeaders(tree: SourceTree, below: string, { before, after }: TreeChange): boolean {
  if (before !== null && after !== null && sameCode(before, after)) return false;
  if (below === CPU_FEATURES || below === HYPERCALLS) return true;
  // The build makes another form of those for 32-bit guests (headers-y of xen/include/Makefile).
  return below.startsWith('include/public/') && existsSync(join(tree.objects, below.replace('public', 'compat')));
}
