import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

/** The sources of a hypervisor of a few lines, in the places where Xen has such files. */
export const SOURCES: Readonly<Record<string, string>> = {
  'Config.mk': '# nothing\n',
  'xen/Makefile': [
    'export XEN_VERSION       = 4',
    'export XEN_SUBVERSION    = 17',
    'export XEN_EXTRAVERSION ?= .5$(XEN_VENDORVERSION)',
    '',
  ].join('\n'),
  'xen/Rules.mk': '# nothing\n',
  'xen/Kconfig': 'config LIVEPATCH\n\tbool "live"\n',
  'xen/.config': 'CONFIG_X86_64=y\nCONFIG_X86=y\nCONFIG_LIVEPATCH=y\n# CONFIG_DEBUG is not set\n',
  'xen/include/xen/config.h': '#define __ro_after_init __attribute__((section(".data.ro_after_init")))\n',
  'xen/include/xen/lib.h': [
    '/* What all files include. */',
    '#ifndef LIB_H',
    '#define LIB_H',
    '#include <xen/limits.h>',
    '#include "../public/../xen/twice.h"',
    'int printk(const char *fmt, ...);',
    'extern int counters[];',
    'struct pair { long a; int b; };',
    '#endif',
    '',
  ].join('\n'),
  'xen/include/xen/limits.h': '#define LIMIT 17\n#define OTHER 3\n',
  'xen/include/xen/twice.h': '#define TWICE(x) ((x) * 2)\n',
  'xen/include/public/xen.h': '#define PUBLIC 1\n',
  'xen/common/Makefile': 'obj-y += domctl.o\nobj-y += kernel.o\nobj-$(CONFIG_DEBUG) += debug.o\n',
  'xen/common/domctl.c': [
    '#include <xen/lib.h>',
    'static int helper(int x)',
    '{',
    '    return x + LIMIT;',
    '}',
    'int do_domctl(int x)',
    '{',
    '    if ( x > 5 )',
    '        printk("%s:%d: too much\\n", __FILE__, __LINE__);',
    '    return helper(x);',
    '}',
    '',
  ].join('\n'),
  'xen/common/kernel.c': [
    '#include <xen/lib.h>',
    'int counters[4] = { 1 };',
    'int do_kernel(int x) { return TWICE(x) + counters[1]; }',
    '',
  ].join('\n'),
  'xen/common/early.c':
    '#include <xen/lib.h>\nint __attribute__((section(".init.text"))) early(void) { return LIMIT; }\n',
  'xen/common/efi/runtime.c': '#include <xen/lib.h>\nint efi_runtime(void) { return OTHER; }\n',
  'xen/arch/x86/Makefile': 'obj-y += entry.o\nobj-y += traps.o\n',
  'xen/arch/x86/entry.S': '#include <asm/asm-offsets.h>\n.text\n.globl entry\nentry: movl $PAIR_b, %eax\nret\n',
  'xen/arch/x86/traps.c': '#include <xen/lib.h>\nint traps(void) { return 9; }\n',
  'xen/arch/x86/x86_64/asm-offsets.c': [
    '#include <xen/lib.h>',
    '#define OFFSET(sym, val) \\',
    '    asm volatile ( "\\n.ascii\\"==>#define " #sym " %0 /* " #val " */<==\\"" :: "i" (val) )',
    'void offsets(void) { OFFSET(PAIR_b, __builtin_offsetof(struct pair, b)); }',
    '',
  ].join('\n'),
  'xen/arch/x86/xen.lds.S': '#include <xen/limits.h>\nSECTIONS { . = LIMIT; }\n',
  'xen/arch/arm/traps.c': 'int arm;\n',
};

/** Objects and their sources, from `xen/`. */
const OBJECTS: Readonly<Record<string, string>> = {
  'common/domctl.o': 'common/domctl.c',
  'common/kernel.o': 'common/kernel.c',
  'common/early.o': 'common/early.c',
  'arch/x86/efi/runtime.o': 'arch/x86/efi/runtime.c',
  'arch/x86/entry.o': 'arch/x86/entry.S',
  'arch/x86/traps.o': 'arch/x86/traps.c',
};

const FLAGS =
  '-m64 -std=gnu99 -Wall -Werror -O2 -nostdinc -fno-builtin -fno-common -pipe -D__XEN__ -include ./include/xen/config.h -ffunction-sections -fdata-sections -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables -iquote . -I./include -I./arch/x86/include'.split(
    ' ',
  );

export interface MiniTree {
  readonly top: string;
  readonly xen: string;
  /** A private cache, and the environment with it. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A folder of its own that goes with the test. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'xsplice-test-tree-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function write(top: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(top, path)), { recursive: true });
    writeFileSync(join(top, path), text, 'latin1');
  }
}

/** The sources without a build of them. */
export function miniSources(changed: Readonly<Record<string, string>> = {}): MiniTree {
  const folder = testFolder();
  const top = join(folder, 'tree');
  write(top, { ...SOURCES, ...changed });
  mkdirSync(join(top, 'xen/arch/x86/efi'));
  symlinkSync('../../../common/efi/runtime.c', join(top, 'xen/arch/x86/efi/runtime.c'));
  const env = { ...process.env, XSPLICE_CACHE: join(folder, 'cache'), TMPDIR: undefined };
  return { top, xen: join(top, 'xen'), env };
}

/** Built once for all tests of a file that change nothing in it. */
let template: string | undefined;
afterAll(() => {
  if (template !== undefined) rmSync(template, { recursive: true });
  template = undefined;
});

/** The tree after `make`: compiled by gcc with Xen's commands, and what the build of 4.15 and later keeps beside objects. */
export function miniTree(changed: Readonly<Record<string, string>> = {}, moreFlags: readonly string[] = []): MiniTree {
  const usual = Object.keys(changed).length + moreFlags.length === 0;
  const tree = miniSources(changed);
  if (!usual) {
    buildTree(tree.xen, moreFlags);
    return tree;
  }
  if (template === undefined) {
    buildTree(tree.xen, []);
    template = mkdtempSync(join(tmpdir(), 'xsplice-test-template-'));
    cpSync(tree.top, template, COPY);
  } else {
    rmSync(tree.top, { recursive: true });
    cpSync(template, tree.top, COPY);
  }
  return tree;
}

const COPY = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true } as const;

function buildTree(xen: string, moreFlags: readonly string[]): void {
  offsets(xen, moreFlags);
  for (const [object, source] of Object.entries(OBJECTS)) compile(xen, object, source, moreFlags);
  generated(xen);
  link(xen, 'common/early.init.o', ['common/early.o'], INIT_SCRIPT);
  link(xen, 'common/built_in.o', ['common/domctl.o', 'common/kernel.o', 'common/early.init.o']);
  link(xen, 'arch/x86/built_in.o', ['arch/x86/entry.o', 'arch/x86/traps.o', 'arch/x86/efi/runtime.o']);
  link(xen, 'prelink.o', ['common/built_in.o', 'arch/x86/built_in.o']);
}

const INIT_SCRIPT =
  'objdump -h common/early.o | while read x; do :; done || exit $$?; objcopy --rename-section .rodata=.init.rodata common/early.o common/early.init.o';

/** Compiles one object as xen/Rules.mk of 4.17 does, and writes its `.cmd` file as fixdep does. */
export function compile(
  xen: string,
  object: string,
  source: string,
  moreFlags: readonly string[] = [],
  flags: readonly string[] = FLAGS,
): void {
  const [folder, name] = [dirname(object), object.slice(object.lastIndexOf('/') + 1)];
  const depfile = `${folder}/.${name}.d`;
  const isC = source.endsWith('.c');
  const out = isC
    ? ['-c', source, '-o', `${folder}/.${name}.tmp`, '-MQ', object]
    : ['-D__ASSEMBLY__', '-c', source, '-o', object];
  const label = `-D__OBJECT_LABEL__=${object}`;
  const args = ['-MMD', '-MP', '-MF', depfile, ...flags, ...moreFlags, label, ...out];
  execFileSync('gcc', args, { cwd: xen });
  if (isC) {
    const real = source.replace('arch/x86/efi/runtime', 'common/efi/runtime');
    const base = source.slice(source.lastIndexOf('/') + 1);
    execFileSync('objcopy', ['--redefine-sym', `${base}=${real}`, `${folder}/.${name}.tmp`, object], { cwd: xen });
    rmSync(join(xen, `${folder}/.${name}.tmp`));
  }
  const quoted = args.map((arg) => (arg === label ? `'${arg}'` : arg)).join(' ');
  writeFileSync(join(xen, folder, `.${name}.cmd`), commandFile(xen, object, `gcc ${quoted}`, source, depfile));
}

function commandFile(xen: string, target: string, script: string, source: string, depfile: string): string {
  const text = readFileSync(join(xen, depfile), 'utf8').replaceAll('\\\n', ' ');
  rmSync(join(xen, depfile));
  const files = (text.split('\n')[0] ?? '')
    .replace(/^[^:]*:/, '')
    .trim()
    .split(/\s+/)
    .filter((file) => file !== source);
  const list = files.map((file) => `  ${file} \\`).join('\n');
  return [
    `cmd_${target} := ${script}`,
    '',
    `source_${target} := ${source}`,
    '',
    `deps_${target} := \\`,
    '    $(wildcard include/config/debug.h) \\',
    list,
    '',
    `${target}: $(deps_${target})`,
    '',
    `$(deps_${target}):`,
    '',
  ].join('\n');
}

/** The header of offsets: the rule of xen/Makefile, whose list of dependencies is kept as it comes. */
function offsets(xen: string, moreFlags: readonly string[]): void {
  const args = ['-MMD', '-MP', '-MF', '.asm-offsets.s.d', ...FLAGS, ...moreFlags];
  const source = 'arch/x86/x86_64/asm-offsets.c';
  execFileSync('gcc', [...args, '-S', '-g0', '-o', 'asm-offsets.s', '-MQ', 'asm-offsets.s', source], { cwd: xen });
  const script = '/^[^#].*==>/{s:.*==>(.*)<==.*:\\1:; s: [$#]: :; p;}';
  const lines = execFileSync('sed', ['-rne', script, 'asm-offsets.s'], { cwd: xen, encoding: 'latin1' });
  const header = `#ifndef __ASM_OFFSETS_H__\n#define __ASM_OFFSETS_H__\n\n${lines}\n#endif\n`;
  write(xen, { 'arch/x86/include/asm/asm-offsets.h': header });
}

/** What `make O=…` leaves: objects in a folder of its own, compiled from absolute paths. */
export function miniOutOfTree(): { readonly tree: MiniTree; readonly out: string } {
  const tree = miniSources();
  const out = join(testFolder(), 'out');
  mkdirSync(join(out, 'common'), { recursive: true });
  symlinkSync(tree.xen, join(out, 'source'));
  renameSync(join(tree.xen, '.config'), join(out, '.config'));
  const flags = FLAGS.map((flag) => flag.replace('./', `${tree.xen}/`));
  for (const name of ['domctl', 'kernel']) compile(out, `common/${name}.o`, `${tree.xen}/common/${name}.c`, [], flags);
  link(out, 'common/built_in.o', ['common/domctl.o', 'common/kernel.o']);
  link(out, 'prelink.o', ['common/built_in.o']);
  return { tree, out };
}

/** The linker script, made by the preprocessor. */
function generated(xen: string): void {
  const depfile = 'arch/x86/.xen.lds.d';
  const args = ['-E', '-P', '-MMD', '-MP', '-MF', depfile, ...FLAGS, '-D__ASSEMBLY__', '-DLINKER_SCRIPT'];
  const all = [...args, '-MQ', 'arch/x86/xen.lds', '-o', 'arch/x86/xen.lds', 'arch/x86/xen.lds.S'];
  execFileSync('gcc', all, { cwd: xen });
  const text = commandFile(xen, 'arch/x86/xen.lds', `gcc ${all.join(' ')}`, 'arch/x86/xen.lds.S', depfile);
  writeFileSync(join(xen, 'arch/x86/.xen.lds.cmd'), text);
}

/** What the build keeps of a link; the linked file itself nobody reads. */
function link(xen: string, target: string, members: readonly string[], script?: string): void {
  const at = target.lastIndexOf('/') + 1;
  const line = script ?? `ld -melf_x86_64 -r -o ${target} ${members.join(' ')}`;
  writeFileSync(join(xen, `${target.slice(0, at)}.${target.slice(at)}.cmd`), `cmd_${target} := ${line}\n`);
}

/** A change of one file of the tree. */
export function change(tree: MiniTree, path: string, edit: (text: string) => string) {
  const before = readFileSync(join(tree.top, path), 'latin1');
  const after = edit(before);
  if (after === before) throw new Error(`${path} is not changed`);
  return { path, before, after };
}
