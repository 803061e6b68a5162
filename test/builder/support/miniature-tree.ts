/** The miniature hypervisor of the examples as a source tree of Xen: Makefiles that build it, and leave what Xen's own build leaves. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { type ExampleTarget, TARGETS } from '../../../examples/architectures.ts';
import type { XenArch } from '../../../src/xen/index.ts';
import { root } from '../../support/examples.ts';

/** A tree, and what else a test has of its own. */
export interface MiniatureTree {
  /** The folder of all: `tree/` is in it, and room for more. */
  readonly folder: string;
  readonly top: string;
  readonly xen: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Xen's own build names objects so that dependencies are theirs, gives FILE symbols the path, and writes `.cmd` files as fixdep does. */
const makefile = ({ arch, image, cflags }: ExampleTarget): string => `export XEN_VERSION       = 4
export XEN_SUBVERSION    = 18
export XEN_EXTRAVERSION ?= .1$(XEN_VENDORVERSION)
CC := $(CROSS_COMPILE)gcc
CFLAGS := ${cflags.join(' ')} -ffunction-sections -fdata-sections -Iinclude -Iinclude/${arch} -Wa,-I.
OBJECTS := common/domctl.o ${image.sources.map((source) => source.replace(/\.[cS]$/, '.o')).join(' ')}
.PHONY: build olddefconfig
build: xen-syms
olddefconfig:
	@test -f .config
xen-config.gz: .config
	gzip -9 -n < .config > $@
$(OBJECTS): xen-config.gz
%.o: %.c
	$(CC) -MMD -MF $(@D)/.$(@F).d $(CFLAGS) -c $< -o $(@D)/.$(@F).tmp -MQ $@
	$(CROSS_COMPILE)objcopy --redefine-sym $(<F)=$< $(@D)/.$(@F).tmp $@
	rm $(@D)/.$(@F).tmp
	@{ echo 'cmd_$@ := $(CC) -MMD -MF $(@D)/.$(@F).d $(CFLAGS) -c $< -o $(@D)/.$(@F).tmp -MQ $@'; $(call rest,$@,$<); } > $(@D)/.$(@F).cmd
%.o: %.S
	$(CC) -MMD -MF $(@D)/.$(@F).d $(CFLAGS) -c $< -o $@
	@{ echo 'cmd_$@ := $(CC) -MMD -MF $(@D)/.$(@F).d $(CFLAGS) -c $< -o $@'; $(call rest,$@,$<); } > $(@D)/.$(@F).cmd
rest = echo; echo 'source_$1 := $2'; echo; echo 'deps_$1 := \\'; sed 's/^[^:]*://; s/\\\\$$//' $(dir $1).$(notdir $1).d | tr -s ' ' '\\n' | sed -n '/./{\\|^$2$$|!s/.*/  & \\\\/p}'; echo
xen-syms: $(OBJECTS)
	$(CROSS_COMPILE)ld -nostdlib -static --build-id=sha1 -z max-page-size=4096 -z noexecstack ${image.options.join(' ')} -T ${image.script} -o $@ $(OBJECTS)
`;

/** Sources of the examples that a tree of that name has. */
const PARTS = ['arch', 'common', 'drivers', 'include', 'xen.lds', 'arm.lds'];

const made: string[] = [];
afterAll(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'xsplice-miniature-tree-'));
  made.push(folder);
  return folder;
}

/** The sources alone. */
export function miniatureSources(arch: XenArch = 'x86_64'): MiniatureTree {
  const target = TARGETS.find((candidate) => candidate.arch === arch);
  if (target === undefined) throw new Error(`no miniature hypervisor of ${arch}`);
  const folder = newFolder();
  const top = join(folder, 'tree');
  const xen = join(top, 'xen');
  mkdirSync(xen, { recursive: true });
  const sources = join(root, 'examples/miniature-xen');
  for (const part of PARTS) cpSync(join(sources, part), join(xen, part), { recursive: true });
  cpSync(join(sources, target.image.config), join(xen, '.config'));
  writeFileSync(join(top, 'Config.mk'), '# nothing\n');
  mkdirSync(join(xen, 'include/xen'));
  writeFileSync(join(xen, 'include/xen/lib.h'), '/* nothing */\n');
  writeFileSync(join(xen, 'Rules.mk'), '# nothing\n');
  // Every Xen has this file.
  writeFileSync(join(xen, 'common/domctl.c'), '#include "xen.h"\n\nint do_domctl(int x)\n{\n    return x + 1;\n}\n');
  writeFileSync(join(xen, 'Makefile'), makefile(target));
  const tmp = join(folder, 'tmp');
  mkdirSync(tmp);
  const env = {
    ...process.env,
    XSPLICE_CACHE: join(folder, 'cache'),
    TMPDIR: tmp,
    CROSS_COMPILE: undefined,
    MAKEFLAGS: undefined,
  };
  return { folder, top, xen, env };
}

const templates = new Map<XenArch, string>();

/** The tree after `make`; it is built once for each architecture, and copied. */
export function miniatureTree(arch: XenArch = 'x86_64'): MiniatureTree {
  const tree = miniatureSources(arch);
  const template = templates.get(arch);
  const copy = { recursive: true, preserveTimestamps: true } as const;
  if (template !== undefined) {
    rmSync(tree.top, { recursive: true });
    cpSync(template, tree.top, copy);
    return tree;
  }
  const prefix = TARGETS.find((target) => target.arch === arch)?.prefix ?? '';
  execFileSync('make', ['-s', 'build', `CROSS_COMPILE=${prefix}`], { cwd: tree.xen, env: tree.env });
  const kept = newFolder();
  cpSync(tree.top, kept, copy);
  templates.set(arch, kept);
  return tree;
}

/** Puts a file beside the tree, and gives its path. */
export function beside(tree: MiniatureTree, name: string, text: string | Uint8Array): string {
  const path = join(tree.folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** A change of a file of the tree as `diff -u` gives it, with the subject of a mail. `path` is from `xen/`. */
export function patchOf(
  tree: MiniatureTree,
  path: string,
  edits: readonly (readonly [from: string, to: string])[],
  title = 'Fix it',
): string {
  const before = readFileSync(join(tree.xen, path), 'utf8');
  let after = before;
  for (const [from, to] of edits) {
    if (!after.includes(from)) throw new Error(`${path} does not have: ${from}`);
    after = after.replace(from, () => to);
  }
  return mail(title, diffOf(`xen/${path}`, before, after));
}

/** A file that a patch makes. */
export const newFile = (path: string, text: string): string => {
  const lines = text.split('\n').slice(0, -1);
  return `--- /dev/null\n+++ b/xen/${path}\n@@ -0,0 +1,${lines.length} @@\n${lines.map((line) => `+${line}\n`).join('')}`;
};

const mail = (title: string, diff: string): string =>
  `From: A <a@example.org>\nDate: Thu, 1 Jan 1970 00:00:00 +0000\nSubject: [PATCH] ${title}\n\nWhy.\n---\n${diff}`;

function diffOf(path: string, before: string, after: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'xsplice-diff-'));
  try {
    writeFileSync(join(folder, 'a'), before);
    writeFileSync(join(folder, 'b'), after);
    const args = ['-c', 'diff -u --label "a/$0" --label "b/$0" a b; test $? = 1', path];
    return execFileSync('sh', args, { cwd: folder, encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
