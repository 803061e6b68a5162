import { type Found, latin1 } from '../../base/index.ts';
import { type ElfFile, relocationName } from '../../elf/index.ts';
import type { LintContext } from '../context.ts';
import { sectionPlace } from '../places.ts';
import type { LintRule } from '../rule.ts';

/** Symbols that the compiler refers to by itself, and the flag of Xen's build that prevents it. Source: xen/Rules.mk, arch/x86/arch.mk. */
const IMPLICIT_SYMBOLS: Readonly<Record<string, string>> = {
  __stack_chk_fail: '-fno-stack-protector',
  __stack_chk_guard: '-fno-stack-protector',
  __fentry__: 'no -pg',
  mcount: 'no -pg',
  _GLOBAL_OFFSET_TABLE_: '-fno-pic, or -fpie -fvisibility=hidden',
  __tls_get_addr: 'no thread-local data',
  __asan_report_load8_noabort: 'no -fsanitize=kernel-address',
  __ubsan_handle_out_of_bounds: 'no -fsanitize=undefined',
  __x86_return_thunk: 'no -mfunction-return=thunk-extern',
};

/** Relocation types that a flag causes, by a pattern in their names. */
const BY_FLAG: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/GOT/, 'a global offset table, which Xen does not support: compile with -fno-pic, or make the symbols hidden'],
  [/TLS|TPOFF|DTPMOD|DTPOFF/, 'thread-local storage, which Xen does not support'],
];

/** Returns `GCC 12.2.0` for `GCC: (Debian 12.2.0-14) 12.2.0`; the unchanged text for an unknown format. */
function compilerOf(text: string): string {
  const gcc = /^GCC: \(.*\) (\S+)/.exec(text);
  if (gcc !== null) return `GCC ${gcc[1]}`;
  const clang = /clang version (\d+\.\d+\.\d+)/.exec(text);
  return clang === null ? text : `clang ${clang[1]}`;
}

/** Returns the compilers in `.comment`. */
const compilers = (elf: ElfFile): string[] =>
  latin1(elf.section('.comment')?.data() ?? new Uint8Array(0))
    .split('\0')
    .filter((text) => text !== '')
    .map(compilerOf);

/**
 * Another compiler than the hypervisor's, or other flags. Inlining, layouts and the calling convention of static functions may differ, and
 * the compiler may refer to symbols that Xen does not have.
 */
export const compiler: LintRule = {
  id: 'compiler',
  *check(context) {
    const { content, image } = context;
    const known = new Set(compilers(image.elf));
    const others = [...new Set(compilers(content.elf))].filter((name) => !known.has(name));
    if (known.size > 0 && others.length > 0) {
      const message = `built with ${others.join(', ')}, the hypervisor with ${[...known].join(', ')}: static functions may have different parameters, and structures different padding. Use the same compiler`;
      yield { message, where: { section: '.comment' } };
    }
    const stride = content.elf.symbols.section?.entsize ?? 0;
    for (const { name, index } of content.undefinedSymbols) {
      const flag = Object.hasOwn(IMPLICIT_SYMBOLS, name) ? IMPLICIT_SYMBOLS[name] : undefined;
      if (flag === undefined || context.resolve(name) !== undefined) continue;
      const message = `the compiler emitted a reference to ${name}, which Xen does not define; compile like Xen: ${flag}`;
      yield { message, where: { section: '.symtab', offset: index * stride, symbol: name } };
    }
    yield* relocations(context);
  },
};

/** Finds the first relocation of each kind that a flag causes. */
function* relocations(context: LintContext): Generator<Found> {
  const left = new Set(BY_FLAG);
  for (const section of context.loadedSections) {
    for (const { offset, row, type, name } of context.relocationsOf(section)) {
      if (row !== undefined || left.size === 0) continue;
      const typeName = relocationName(context.content.elf.machine, type);
      for (const kind of left) {
        if (!kind[0].test(typeName)) continue;
        left.delete(kind);
        const message = `${typeName} against ${name} uses ${kind[1]}`;
        yield { message, where: sectionPlace(context, section.index, offset, name) };
      }
    }
  }
}
