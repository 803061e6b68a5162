import type { Entries } from './entry.ts';

/** What the file alone shows, whatever hypervisor it is for. */
export const FILE = {
  'malformed-elf': {
    title: 'the ELF file is malformed',
    severity: 'error',
    what: 'A header, a table or a name of the ELF file leads outside the file or contradicts itself. The message says which.',
    advice: 'Make the file again: it is truncated or damaged.',
    source: 'System V ABI, chapters 4 and 5.',
  },
  'debug-data': {
    title: 'the debug data is malformed',
    severity: 'warning',
    what: 'A part of the DWARF data cannot be read. Everything that is read from elsewhere holds.',
    advice: 'Compile again with `-g`, or ignore it: Xen does not read debug data.',
    source: 'DWARF 5.',
  },
  'payload-file': {
    title: 'a part of the payload cannot be decoded',
    severity: 'error',
    what: 'A table of the payload, such as `.livepatch.funcs` or a note, is malformed.',
    advice: 'Build the payload against the headers of the hypervisor that runs.',
  },
  'elf-machine': {
    title: 'Xen has no live patches for this machine type',
    severity: 'error',
    what: '`e_machine` is none of x86-64, AArch64 and Arm.',
    advice: 'Give a payload for an architecture on which Xen supports live patching.',
  },
  'build-id': {
    title: 'a section that must hold a build-id does not',
    severity: 'error',
    what: 'The section is there and holds no valid build-id note. `.livepatch.xen_depends` matters since 4.14, the others on every release.',
    advice: 'Link with `--build-id=sha1`, and make the dependency notes with `livepatch-build` or `xsplice build`.',
    source: '`xen_build_id_check`.',
  },
  'section-write-exec': {
    title: 'a section is both writable and executable',
    severity: 'error',
    what: 'A section has the flags `W` and `X`. Xen refuses the payload (EOPNOTSUPP).',
    advice: 'Split code and data into separate sections.',
    source: '`move_payload`.',
  },
  'relocation-type': {
    title: 'the payload has a type of relocation that Xen does not apply',
    severity: 'error',
    what: 'Xen refuses a payload with this type of relocation, which comes from flags that Xen is not built with.',
    advice:
      'Compile the payload with the flags of the hypervisor: no position-independent code, no thread-local storage.',
    source: '`arch_livepatch_perform_rela`.',
  },
  'section-count': {
    title: 'the file has more sections than Xen loads',
    severity: 'error',
    what: 'Xen loads fewer than 1024 sections and refuses the payload (EOPNOTSUPP).',
    advice: 'Merge `.text.*` and `.rodata.*` with a linker script.',
    source: '`livepatch_header_check` (LIVEPATCH_MAX_SECTIONS).',
  },
  'payload-size': {
    title: 'the file is larger than Xen accepts',
    severity: 'error',
    what: 'Xen accepts at most 2 MiB, refuses the file (EINVAL) and prints nothing.',
    advice: 'Keep debug data in a separate file: `strip --strip-debug x.livepatch`.',
    source: '`verify_payload` (LIVEPATCH_MAX_SIZE).',
  },
  'relocation-overlap': {
    title: 'the relocation sections overlap or end past the file',
    severity: 'error',
    what: 'Together the relocation sections are larger than the file. No linker makes such a file.',
    advice: 'Link the payload again with `ld -r`.',
  },
  'disassembly-limit': {
    title: 'only part of the code is shown',
    severity: 'note',
    what: 'The payload has more code than is disassembled at once.',
    advice: 'Use `objdump -dr` for the rest.',
  },
} as const satisfies Entries;
