import { SHF_ALLOC } from '../../src/elf/index.ts';
import type { PayloadBuilder } from '../support/elf-builder.ts';
import type { MutableElf } from './mutable-elf.ts';
import { EHDR } from './mutable-elf.ts';
import { EXTRA_VERSION, id, patch, payloadFor, WRITABLE } from './state-support.ts';

/** A payload with an instance of everything that is checked. */
export const soundPayload = (release: string): Uint8Array =>
  payloadFor({
    release,
    buildId: id(0x22),
    functions: [patch(EXTRA_VERSION)],
    funcsFlags: WRITABLE,
    modinfo: ['purpose=test'],
    hooks: { load: 1 },
    more: (builder: PayloadBuilder) => {
      builder.code('.text.more', 'new_helper12', new Uint8Array(16).fill(0x90));
      const table = builder.fields('.rodata.table', 16, SHF_ALLOC, 8);
      table.pointer(0, { symbol: builder.undefinedSymbol('printk') });
      table.finish(builder.writer);
      builder.fields('.livepatch.hooks.preapply', 16, WRITABLE, 8);
      builder.fields('.bug_frames.1', 16, SHF_ALLOC, 4);
    },
  });

/** One fault: the release's reaction, and the change of the file. */
export interface Fault {
  readonly what: string;
  readonly errno: string;
  /** The line after `livepatch: NAME: `; `null` for a silent refusal. */
  readonly line: string | null;
  readonly break: (elf: MutableElf) => void;
}

const fault = (what: string, errno: string, line: string | null, breaks: (elf: MutableElf) => void): Fault => ({
  what,
  errno,
  line,
  break: breaks,
});

/** livepatch_elf_load, in its order: E2 to Y1 of facts 2.2. */
export const ELF_FAULTS: readonly Fault[] = [
  fault('no ELF magic', 'EINVAL', 'Not an ELF payload', (elf) => elf.u8(0, 0)),
  fault('an executable', 'EOPNOTSUPP', 'Invalid ELF payload', (elf) => elf.u16(EHDR.type, 2)),
  fault('another machine', 'EOPNOTSUPP', 'Unsupported ELF Machine type', (elf) => elf.u16(EHDR.machine, 183)),
  fault('no section names', 'EINVAL', 'Section name idx is undefined', (elf) => elf.u16(EHDR.shstrndx, 0)),
  fault('many sections', 'EOPNOTSUPP', 'Too many (1024) sections', (elf) => elf.u16(EHDR.shnum, 1024)),
  fault('section headers nowhere', 'EINVAL', 'Bogus e_shoff', (elf) => elf.u64(EHDR.shoff, 1n << 40n)),
  fault('small section headers', 'EINVAL', 'Section header size is 63! Expected 64.', (elf) =>
    elf.u16(EHDR.shentsize, 63),
  ),
  fault('a section in the header', 'EINVAL', 'Section [1] data at ELF header of payload', (elf) =>
    elf.section(1, 'offset', 63),
  ),
  fault('an odd alignment', 'EOPNOTSUPP', 'Section [2] alignment (0x3) is not supported', (elf) =>
    elf.section(2, 'addralign', 3),
  ),
  fault('a misaligned section', 'EINVAL', 'Section [3] addr (0x4) is not aligned properly (0x8)', (elf) =>
    elf.section(3, 'addr', 4).section(3, 'addralign', 8),
  ),
  fault('no symbol table', 'EINVAL', 'No symbol table found', (elf) => elf.section('.symtab', 'type', 1)),
  fault('a bad symbol table', 'EINVAL', 'Symbol table header is corrupted', (elf) =>
    elf.section('.symtab', 'entsize', 23),
  ),
  fault('a bad string table', 'EINVAL', 'String table section is corrupted', (elf) => elf.u8(elf.data('.strtab'), 1)),
  fault('a bad table of section names', 'EINVAL', 'Section string table is corrupted', (elf) =>
    elf.u8(elf.data('.shstrtab'), 1),
  ),
  fault('a section name nowhere', 'EINVAL', 'Section 4 name is not within .shstrtab', (elf) =>
    elf.section(4, 'name', 99_999),
  ),
  fault('a symbol name nowhere', 'EINVAL', 'Symbol [1] name is not within .strtab', (elf) =>
    elf.u32(elf.data('.symtab') + 24, 99_999),
  ),
];

/** check_xen_buildid: before anything is allocated, or (as xen_build_id_dep) when the payload is prepared. */
export const wrongXen = (early: boolean): Fault =>
  fault(
    'the id of another Xen',
    'EINVAL',
    early ? 'build-id mismatch:' : 'check against hypervisor build-id failed',
    (elf) => elf.u8(elf.data('.livepatch.xen_depends') + 16, 0xee),
  );

/** move_payload to check_patching_sections: facts 2.4 to 2.8. */
export const LOAD_FAULTS: readonly Fault[] = [
  fault('a writable and executable section', 'EOPNOTSUPP', null, (elf) => elf.section('.rodata.table', 'flags', 7)),
  fault('a common symbol', 'EINVAL', 'Unexpected common symbol: new_0', (elf) =>
    elf.symbolField('new_0', 'shndx', 0xfff2),
  ),
  fault('an unknown symbol', 'ENOENT', 'Unknown symbol: prinzk', (elf) => elf.rename('.strtab', 'printk', 'prinzk')),
  fault('relocations by other symbols', 'EINVAL', null, (elf) => elf.section('.rela.livepatch.funcs', 'link', 1)),
  fault('a bad relocation section', 'EINVAL', 'Section relative header is corrupted', (elf) =>
    elf.section('.rela.livepatch.funcs', 'entsize', 23),
  ),
  fault('an unknown relocation', 'EOPNOTSUPP', 'Unhandled relocation 10', (elf) =>
    elf.u32(elf.data('.rela.livepatch.funcs') + 8, 10),
  ),
  fault('no .livepatch.depends', 'EINVAL', '.livepatch.depends is missing', (elf) =>
    elf.rename('.shstrtab', '.livepatch.depends', '.livepatch.dePends'),
  ),
];

/** prepare_payload, functions: all in the same entry. */
export const functionFaults = (entry: number, resolveFirst: boolean): readonly Fault[] => {
  const verify = fault('a function that is too small', 'EINVAL', null, (elf) =>
    elf.u32(elf.data('.livepatch.funcs') + 28, 4),
  );
  const resolve = fault('an unknown function', 'ENOENT', 'Could not resolve old address of xen_extra_versiom', (elf) =>
    elf.rename('.rodata.str', 'xen_extra_version', 'xen_extra_versiom'),
  );
  return [
    fault(
      'half an entry',
      'EINVAL',
      `Wrong size ${entry - 1} of .livepatch.funcs (must be multiple of ${entry})`,
      (elf) => elf.section('.livepatch.funcs', 'size', entry - 1),
    ),
    fault('another version', 'EOPNOTSUPP', `Wrong version (9). Expected ${entry === 64 ? 1 : 2}`, (elf) =>
      elf.u8(elf.data('.livepatch.funcs') + 32, 9),
    ),
    ...(resolveFirst ? [resolve, verify] : [verify, resolve]),
    fault('a replacement that is far away', 'EOVERFLOW', null, (elf) =>
      // The relocation of new_addr is the second one: name, new_addr.
      elf.u64(elf.data('.rela.livepatch.funcs') + 24 + 16, 1n << 33n),
    ),
  ];
};

/** prepare_payload after the functions: facts 2.9, P2 to P12; and 2.10. */
export const prepareFaults = (options: {
  readonly noteErrno: string;
  readonly actionHooks: boolean;
}): readonly Fault[] => [
  fault('a load hook and a byte', 'EINVAL', 'Wrong size 9 of .livepatch.hooks.load (must be multiple of 8)', (elf) =>
    elf.section('.livepatch.hooks.load', 'size', 9),
  ),
  ...(options.actionHooks
    ? [
        fault(
          'half a single hook',
          'EINVAL',
          'Wrong size 15 of .livepatch.hooks.preapply (must be multiple of 8)',
          (elf) => elf.section('.livepatch.hooks.preapply', 'size', 15),
        ),
      ]
    : []),
  fault('no GNU build-id', options.noteErrno, null, (elf) => elf.u32(elf.data('.note.gnu.build-id') + 8, 4)),
  fault('a build-id that is loaded', 'EEXIST', null, (elf) => {
    elf.bytes.fill(0x77, elf.data('.note.gnu.build-id') + 16, elf.data('.note.gnu.build-id') + 36);
  }),
  fault('a dependency on nothing', options.noteErrno, null, (elf) => elf.u32(elf.data('.livepatch.depends') + 8, 4)),
  fault('half a bug frame', 'EINVAL', 'Wrong size 9 of .bug_frames.1 (must be multiple of 8)', (elf) =>
    elf.section('.bug_frames.1', 'size', 9),
  ),
];

export const badMetadata: Fault = fault(
  'metadata without a final NUL',
  'EINVAL',
  'Incorrect metadata format detected',
  (elf) => elf.u8(elf.data('.modinfo') + elf.size('.modinfo') - 1, 0x21),
);

export const duplicateSymbol: Fault = fault(
  'a symbol that Xen defines',
  'EEXIST',
  'duplicate new symbol: xen_build_id',
  (elf) => elf.rename('.strtab', 'new_helper12', 'xen_build_id'),
);
