import { EI_CLASS, EI_DATA, ELF64, ELFCLASS64, ELFDATA2LSB, EM_X86_64 } from '../../elf/index.ts';
import { ALT_CALL, EX_TABLE_ENTRY } from '../../xen/index.ts';
import type { Architecture } from '../architecture.ts';
import { X86_64_ALTERNATIVES } from './alternative-hooks.ts';
import { X86_64_BUG_FRAMES } from './bug-frames.ts';
import { X86_64_CODE } from './code-forms.ts';
import { ENDBR64_LEN, isLandingPad } from './endbr.ts';
import { X86_64_EXECUTION } from './execution.ts';
import { X86_64_IMAGE } from './image.ts';
import { addNops, NOP_FAMILIES } from './nops.ts';
import { X86_64_OBJECTS } from './object-forms.ts';
import { X86_64_PAGE_TABLES } from './page-table.ts';
import { X86_64_PANIC } from './panic-words.ts';
import { apply, encodeJump, insnLength, PATCH_INSN_SIZE, revert, verifyFunc } from './patch.ts';
import { quiesce, revive } from './permissions.ts';
import { X86_64_PROCESSORS } from './processor-rules.ts';
import { X86_64_RELOCATION_RULES, X86_64_RELOCATIONS } from './relocations.ts';

/** x86-64. Source: xen/arch/x86/livepatch.c, livepatch_elf hooks. */
export const X86_64: Architecture = {
  name: 'x86_64',
  machine: EM_X86_64,
  elf: ELF64,
  pageTables: X86_64_PAGE_TABLES,
  alignmentFault: null,
  image: X86_64_IMAGE,
  processors: X86_64_PROCESSORS,
  panic: X86_64_PANIC,
  execution: X86_64_EXECUTION,
  patchInsnSize: PATCH_INSN_SIZE,
  range: 0x8000_0000n,
  verifyElf: (header) =>
    header.e_machine === EM_X86_64 && header.e_ident[EI_CLASS] === ELFCLASS64 && header.e_ident[EI_DATA] === ELFDATA2LSB
      ? null
      : { rule: 'wrong-machine', errno: 'EOPNOTSUPP', log: ['Unsupported ELF Machine type'] },
  symbolOk: null,
  symbolDeny: null,
  relocations: X86_64_RELOCATIONS,
  relocationRules: X86_64_RELOCATION_RULES,
  verifyFunc,
  apply,
  revert,
  insnLength,
  patchOffset: (start, release) => (isLandingPad(start, release) ? ENDBR64_LEN : 0),
  entrySize: ENDBR64_LEN,
  encodeJump,
  nopSequences: (length) => NOP_FAMILIES.map((family) => addNops(family, length)),
  quiesce,
  revive,
  // W1 and W2 take write protection off the CPU, W4 relaxes rodata: 92167e9430, 8676092a0f, b083b1c393.
  relaxesReadOnly: ({ permissions }) => permissions !== 'W3',
  waitqueues: true,
  file: 'arch/x86/livepatch.c',
  // VMAP_VIRT_START. Source: xen/arch/x86/include/asm/config.h.
  pvGuestAddress: (address) => address < 0x8000_0000_0000n || address >= 0xffff_8800_0000_0000n,
  vmapDefault: () => 0xffff_82c0_0000_0000n,
  alternatives: X86_64_ALTERNATIVES,
  bugFrames: X86_64_BUG_FRAMES,
  exTableEntrySize: EX_TABLE_ENTRY.size,
  altCallSize: ALT_CALL.size,
  code: X86_64_CODE,
  objects: X86_64_OBJECTS,
};
