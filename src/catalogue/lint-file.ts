import type { Entries } from './entry.ts';

/** Lint: the file, its sections and how it was built. */
export const LINT_FILE = {
  'loader-crash': {
    title: 'Xen follows a bad pointer while it loads the file, or in the first action',
    severity: 'error',
    what: 'The file makes Xen follow a bad pointer that no check of the loader catches: a symbol table or a relocation section that names section 0, a special section that is not loaded (no flag `A`), `.modinfo` of size 0, offsets that overflow, an alignment of 0, a NULL load or unload hook, an entry with neither name nor address, an old address that is data or unmapped.',
    why: 'The loader trusts these fields. The host panics at upload or at the first action, on every release up to 4.22.',
    advice:
      'Link the payload with `ld -r` and do not edit its headers afterwards. Give all special sections the flag `A` (`objcopy --set-section-flags NAME=alloc,readonly`), and remove empty sections and NULL hooks.',
    source:
      'xen/common/livepatch_elf.c (`elf_resolve_sections`, `livepatch_elf_perform_relocs`), xen/common/livepatch.c (`move_payload`, `prepare_payload`, `apply_payload`). Most cases were seen on a real Xen 4.17.7. Since 8c81423038 (4.20.0; 4.18.4, 4.19.1) a NULL pointer there is a pointer into a freed buffer.',
  },
  'funcs-read-only': {
    title: '.livepatch.funcs is read-only and this release writes to it',
    severity: 'error',
    what: '`.livepatch.funcs` is loaded into read-only pages (flags `A`), and this release of Xen keeps its own state in that section: the saved instructions, the `applied` byte, the patch offset. Xen writes them while the CPUs wait, and does not make the pages of payloads writable for that.',
    why: 'The first store faults in hypervisor context: the host panics in the middle of `apply`, without any warning before.\n\nOn x86 these are 4.16.4 to 4.16.7, 4.17.1, 4.17.2 and 4.18.0. Older releases clear write protection for the whole CPU, newer ones keep the state elsewhere. On Arm, where only a second mapping of the hypervisor is writable, these are all releases before 4.17.3 and 4.18.1.',
    advice: 'Make the section writable for these hosts: `objcopy --set-section-flags .livepatch.funcs=alloc,data`.',
    more: 'Xen still lets such a payload be applied again after a revert: a writable `.livepatch.funcs` alone does not count.\n\nOr update the host first: 4.17.3, 4.18.1 and 4.19.0 have the fix.',
    source:
      'Xen 82182ad7b4 (“livepatch: do not use .livepatch.funcs section to store internal state”, 4.19.0; 4.17.3, 4.18.1) for the writes; 8676092a0f (4.18.0; 4.16.4, 4.17.1) for the permissions.',
  },
  'state-in-file': {
    title: 'an entry of .livepatch.funcs is already marked as applied',
    severity: 'error',
    what: 'An entry of `.livepatch.funcs` sets the byte in which the release records that the function is patched.',
    why: 'From 4.14 to 4.16, and in 4.17.0 to 4.17.2 and 4.18.0, Xen keeps its state in the payload and starts with what the file holds. If `applied` is set, Xen believes that the function is patched already and leaves it alone, yet the payload becomes APPLIED. The fix is missing, and everything says that it is there.',
    advice:
      'Leave all bytes between `version` and `expect` zero. Never ship a payload that was read back from a host’s memory.',
    source:
      'xen/include/public/sysctl.h (`struct livepatch_func`), xen/common/livepatch.c (`common_livepatch_apply`); 82182ad7b4 (4.19.0; 4.17.3, 4.18.1) took the state out of the payload.',
  },
  metadata: {
    title: '.modinfo is not a list of printable strings, or this release ignores it',
    severity: 'warning',
    what: '`.modinfo` is not a list of NUL-terminated strings of printable characters, or this release does not know the section.',
    why: 'Xen prints the strings to the console line by line when it applies the payload, and `xen-livepatch list` shows them in one line. A newline or an escape sequence in them forges log lines. Without the final NUL Xen refuses the payload (EINVAL). Releases before 4.14 ignore the section.',
    advice: 'Write `key=value` strings in ASCII, each terminated by a NUL.',
    source: 'xen/common/livepatch.c (`prepare_payload`, `apply_payload`); 4848297ad4 (4.14), 5083e0ff93.',
  },
  'duplicate-section': {
    title: 'two sections have a name that Xen looks up; it uses only the first',
    severity: 'error',
    what: 'A section that Xen looks up by name is there twice: `.livepatch.funcs`, a hook section, `.bug_frames.N`, `.altinstructions` or a build-id.',
    why: 'Xen uses the first and never looks at the second. It silently does not patch the functions in a second `.livepatch.funcs`; the message for this in releases up to 4.19 can never be printed.',
    advice: 'Link with `ld -r` without `--unique`: it merges sections that have the same name, flags and type.',
    source: 'xen/common/livepatch_elf.c (`livepatch_elf_sec_by_name`); 3a28da8f4d (4.20.0).',
  },
  'long-symbol': {
    title: 'a symbol name is longer than Xen can store',
    severity: 'warning',
    what: 'A symbol of the payload has a name of 127 characters or more.',
    why: 'Xen keeps 126. Two names that agree up to there are the same symbol: payloads that link against it get the first, and a duplicate is refused or goes unnoticed. Stack traces show the truncated name.',
    advice: 'Rename the symbol (`objcopy --redefine-sym`) or strip it.',
    source: 'xen/common/livepatch.c (`build_symbol_table`), xen/include/xen/symbols.h (KSYM_NAME_LEN).',
  },
  'large-payload': {
    title: 'the file is close to Xen’s limit on size or number of sections',
    severity: 'warning',
    what: 'The file is larger than 7/8 of the 2 MiB that Xen accepts, or has more than 7/8 of the 1023 sections.',
    why: 'Xen refuses a file of more than 2 MiB with EINVAL and prints nothing, which leaves the reason a mystery on the host. Objects compiled with -ffunction-sections and linked without merging have many sections.',
    advice: 'Keep debug data in a separate file, and link with a script that merges `.text.*` and `.rodata.*`.',
    source: 'xen/include/xen/livepatch.h (LIVEPATCH_MAX_SIZE), xen/common/livepatch_elf.c (`livepatch_header_check`).',
  },
  reapply: {
    title: 'the payload has writable sections and cannot be applied again after a revert',
    severity: 'note',
    what: 'The payload has non-empty writable sections besides `.livepatch.funcs`: `.data`, `.bss`, or hook sections as plain gcc emits them.',
    why: 'Their contents may have changed while the payload was applied, and a revert does not restore them. So Xen does not apply the payload a second time: the hypercall returns 0, and only the payload’s rc says -22. Many sound payloads are like this, hence a note.',
    advice:
      'Unload the payload after a revert and upload it again. If only hook sections are writable, make them read-only: declare the pointers `const` and compile with -fno-pic, or use `objcopy --set-section-flags`.',
    source: 'xen/common/livepatch.c (`move_payload`, `livepatch_action`); 98b728a7b2 (4.8), 66d3f83db6 (4.10).',
  },
  'debug-sections': {
    title: 'the file contains debug information, which no host reads',
    severity: 'warning',
    what: 'The file carries `.debug_*` sections.',
    why: 'No host reads them, and they make up most of the file: payloads of real fixes took up to 1.27 MB of the 2 MiB limit with debug data, and 1.6 to 57 kB without.',
    advice:
      'Keep debug data in a separate file: `objcopy --only-keep-debug x.livepatch x.debug`, then `strip --strip-debug x.livepatch`.',
    source: 'Measured on payloads of livepatch-build-tools for 4.17.7.',
  },
  nondeterministic: {
    title: 'the file contains a date, a time or a path of the build machine',
    severity: 'warning',
    what: 'The file holds a date or time as `__DATE__` and `__TIME__` produce them, a path below a typical build folder, or the name of a temporary source file.',
    why: 'The next build of the same source gives other bytes, hence another build-id: payloads that depend on this one no longer fit, nobody can reproduce it, and the path reveals the build machine.',
    advice:
      'Build with `-ffile-prefix-map=$PWD/=`, relative paths and SOURCE_DATE_EPOCH, and keep `version.c` out of the payload.',
    source: 'ISO C, 6.10.8.1; reproducible-builds.org on paths and dates.',
  },
  compiler: {
    title: 'the payload was built with a different compiler or flags than the hypervisor',
    severity: 'warning',
    what: '`.comment` names another compiler, or another version, than the hypervisor’s; or the payload has symbols and relocations that come from flags which Xen does not use: stack protector, profiling, sanitizers, position-independent code with a GOT, thread-local storage.',
    why: 'The payload calls static functions and uses structures of the hypervisor. Another compiler may have changed the parameters of a static function (`.isra`, `.constprop`), inlined the function that the payload replaces, or chosen another layout. Nothing checks that: the wrong argument is in the wrong register. The loader refuses the extra symbols, by a name that says nothing about the flag.',
    advice:
      'Build with the compiler and the flags of the hypervisor: from its own source tree and configuration, with the same packages.',
    source: 'xen/Rules.mk and xen/arch/x86/arch.mk for the flags; livepatch-build-tools compares compilers since 2023.',
  },
} as const satisfies Entries;
