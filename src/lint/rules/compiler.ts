import { type Found, latin1 } from '../../base/index.ts';
import { type ElfFile, relocationName } from '../../elf/index.ts';
import type { LintContext } from '../context.ts';
import { sectionPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/** Symbols that the compiler brings in of its own accord, and the flag with which Xen is built so that it does not. Source: xen/Rules.mk, arch/x86/arch.mk. */
const BROUGHT_IN: Readonly<Record<string, string>> = {
  __stack_chk_fail: '-fno-stack-protector',
  __stack_chk_guard: '-fno-stack-protector',
  __fentry__: 'no -pg',
  mcount: 'no -pg',
  _GLOBAL_OFFSET_TABLE_: '-fno-pic, or -fpie with -fvisibility=hidden',
  __tls_get_addr: 'no thread-local data',
  __asan_report_load8_noabort: 'no -fsanitize=kernel-address',
  __ubsan_handle_out_of_bounds: 'no -fsanitize=undefined',
  __x86_return_thunk: 'no -mfunction-return=thunk-extern, which this hypervisor is built without',
};

/** Kinds of relocations that come of a flag, by what their names hold. */
const BY_FLAG: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/GOT/, 'a global offset table, which a hypervisor has not: compile with -fno-pic, or make the symbols hidden'],
  [/TLS|TPOFF|DTPMOD|DTPOFF/, 'thread-local storage, which a hypervisor has not'],
];

/** `GCC 12.2.0` of `GCC: (Debian 12.2.0-14) 12.2.0`; the text as it is of a compiler that says it otherwise. */
function compilerOf(text: string): string {
  const gcc = /^GCC: \(.*\) (\S+)/.exec(text);
  if (gcc !== null) return `GCC ${gcc[1]}`;
  const clang = /clang version (\d+\.\d+\.\d+)/.exec(text);
  return clang === null ? text : `clang ${clang[1]}`;
}

/** The compilers that the linker has collected in `.comment`. */
const compilers = (elf: ElfFile): string[] =>
  latin1(elf.section('.comment')?.data() ?? new Uint8Array(0))
    .split('\0')
    .filter((text) => text !== '')
    .map(compilerOf);

/**
 * Another compiler than the hypervisor's, or flags that its build does not have, as far as the file shows it: inlining, layouts and the calling
 * convention of static functions may differ, and what the compiler brings in has no counterpart in Xen.
 */
export const compiler: LintRule = {
  id: 'compiler',
  *check(context) {
    const { content, image } = context;
    const known = new Set(compilers(image.elf));
    const strangers = [...new Set(compilers(content.elf))].filter((name) => !known.has(name));
    if (known.size > 0 && strangers.length > 0) {
      const message = `built by ${strangers.join(', ')}, the hypervisor by ${[...known].join(', ')}: static functions may have other parameters, and structures other paddings. Use the same compiler`;
      yield { message, where: { section: '.comment' } };
    }
    const stride = content.elf.symbols.section?.entsize ?? 0;
    for (const { name, index } of content.undefinedSymbols) {
      const flag = Object.hasOwn(BROUGHT_IN, name) ? BROUGHT_IN[name] : undefined;
      if (flag === undefined || context.resolve(name) !== undefined) continue;
      const message = `the compiler has brought in ${name}, which the hypervisor has not. Build as Xen is built: ${flag}`;
      yield { message, where: { section: '.symtab', offset: index * stride, symbol: name } };
    }
    yield* relocations(context);
  },
};

/** The first relocation of each kind that a flag makes. */
function* relocations(context: LintContext): Generator<Found> {
  const left = new Set(BY_FLAG);
  for (const section of context.loadedSections) {
    for (const { offset, row, type, name } of context.relocationsOf(section)) {
      if (row !== undefined || left.size === 0) continue;
      const called = relocationName(context.content.elf.machine, type);
      for (const kind of left) {
        if (!kind[0].test(called)) continue;
        left.delete(kind);
        const message = `${called} against ${name} goes through ${kind[1]}`;
        yield { message, where: sectionPlace(context, section.index, offset, name) };
      }
    }
  }
}
