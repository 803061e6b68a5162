import { EI_CLASS, EI_DATA, ELF64, ELFCLASS64, ELFDATA2LSB, EM_X86_64 } from '../../elf/index.ts';
import { ALT_CALL, ALT_INSTR, bugFrameSize, EX_TABLE_ENTRY } from '../../xen/index.ts';
import type { Architecture } from '../architecture.ts';
import { X86_64_CODE } from './code-forms.ts';
import { X86_64_EXECUTION } from './execution.ts';
import { addNops, NOP_FAMILIES } from './nops.ts';
import { X86_64_PAGE_TABLES } from './page-table.ts';
import { apply, encodeJump, insnLength, PATCH_INSN_SIZE, revert, verifyFunc } from './patch.ts';
import { quiesce, revive } from './permissions.ts';
import { X86_64_RELOCATIONS } from './relocations.ts';

/** x86-64. Source: xen/arch/x86/livepatch.c, livepatch_elf hooks. */
export const X86_64: Architecture = {
  name: 'x86_64',
  machine: EM_X86_64,
  elf: ELF64,
  pageTables: X86_64_PAGE_TABLES,
  instructionPointer: 'RIP',
  execution: X86_64_EXECUTION,
  patchInsnSize: PATCH_INSN_SIZE,
  range: 0x8000_0000n,
  verifyElf: (header) =>
    header.e_machine === EM_X86_64 && header.e_ident[EI_CLASS] === ELFCLASS64 && header.e_ident[EI_DATA] === ELFDATA2LSB
      ? null
      : { rule: 'wrong-machine', errno: 'EOPNOTSUPP', log: ['Unsupported ELF Machine type'] },
  symbolOk: null,
  symbolDeny: null,
  relRefusal: { rule: 'rel-section', errno: 'EOPNOTSUPP', log: ['SHT_REL relocation unsupported'] },
  relocations: X86_64_RELOCATIONS,
  verifyFunc,
  apply,
  revert,
  insnLength,
  encodeJump,
  nopSequences: (length) => NOP_FAMILIES.map((family) => addNops(family, length)),
  quiesce,
  revive,
  bugFrameSize: bugFrameSize('x86_64'),
  altInstrSize: ALT_INSTR.size,
  exTableEntrySize: EX_TABLE_ENTRY.size,
  altCallSize: ALT_CALL.size,
  code: X86_64_CODE,
};
