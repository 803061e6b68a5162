import { EI_CLASS, ELF32, ELFCLASS32, EM_ARM } from '../../elf/index.ts';
import { ARM32_VMAP_DEFAULT } from '../../xen/index.ts';
import type { Architecture } from '../architecture.ts';
import { armAlternatives } from '../arm/alternatives.ts';
import { ARM_BUG_FRAMES } from '../arm/bug-frames.ts';
import { armCode } from '../arm/code-forms.ts';
import { armImage } from '../arm/image.ts';
import { alignmentSyndrome, lpaePageTables } from '../arm/page-table.ts';
import { armPanicWords } from '../arm/panic-words.ts';
import { ARM_PATCH_INSN_SIZE, armApply, insnLength, revert, verifyFunc, wordBytes } from '../arm/patch.ts';
import { quiesce, revive } from '../arm/permissions.ts';
import { ARM32_PROCESSORS, armProcessors } from '../arm/processors.ts';
import { isMappingSymbol } from '../arm/symbols.ts';
import { ARM32_BUG_OPCODE, ARM32_ENCODING, ARM32_NOP, branchOffset, withBranchOffset } from './branch.ts';
import { ARM32_EXECUTION } from './execution.ts';
import { operands } from './operands.ts';
import { ARM32_RANGE, ARM32_RELOCATION_RULES, ARM32_RELOCATIONS } from './relocations.ts';
import { resultStep } from './result.ts';

const PAGE_TABLES = lpaePageTables(1, 32);

/** From XEN_VIRT_START, 8 MiB. Source: asm-arm/config.h. */
const LINKABLE = { start: 0x20_0000n, end: 0xa0_0000n };

/** EF_ARM_EABIMASK and EF_ARM_EABI_VER5 of e_flags. Source: ELF for the Arm Architecture, 4.3.1. */
const EABI_MASK = 0xff00_0000;
const EABI_VER5 = 0x0500_0000;

/** arm32. Source: xen/arch/arm/livepatch.c, xen/arch/arm/arm32/livepatch.c. */
export const ARM32: Architecture = {
  name: 'arm32',
  machine: EM_ARM,
  elf: ELF32,
  pageTables: PAGE_TABLES,
  // HSCTLR_BASE sets HSCTLR.A. Source: asm-arm/processor.h.
  alignmentFault: alignmentSyndrome,
  image: armImage('arm32', { linkable: LINKABLE, step: resultStep }),
  processors: armProcessors(ARM32_PROCESSORS, 'cortex-a15', ARM32_NOP),
  panic: armPanicWords('Prefetch Abort', PAGE_TABLES.accessOf),
  execution: ARM32_EXECUTION,
  patchInsnSize: ARM_PATCH_INSN_SIZE,
  range: ARM32_RANGE,
  verifyElf(header) {
    if (header.e_machine !== EM_ARM || header.e_ident[EI_CLASS] !== ELFCLASS32) {
      return { rule: 'wrong-machine', errno: 'EOPNOTSUPP', log: ['Unsupported ELF Machine type'] };
    }
    if ((header.e_flags & EABI_MASK) >>> 0 === EABI_VER5) return null;
    return { rule: 'wrong-eabi', errno: 'EOPNOTSUPP', log: ['Unsupported ELF EABI(%x)', header.e_flags] };
  },
  symbolOk: (name) => !isMappingSymbol(name, 'da'),
  // Thumb code: the hypervisor has none and could not return to it.
  symbolDeny: (name) => isMappingSymbol(name, 't'),
  relocations: ARM32_RELOCATIONS,
  relocationRules: ARM32_RELOCATION_RULES,
  verifyFunc,
  apply: armApply(ARM32_ENCODING),
  revert,
  insnLength,
  patchOffset: () => 0,
  entrySize: 0,
  encodeJump: (from, to) => wordBytes(ARM32_ENCODING.encodeBranch(from, to).word),
  nopSequences: (length) => [wordBytes(ARM32_NOP, Math.floor(length / 4))],
  quiesce,
  revive,
  // Only the second mapping of the hypervisor's image is writable. Source: xen/arch/arm/livepatch.c.
  relaxesReadOnly: () => false,
  waitqueues: false,
  file: 'arch/arm/arm32/livepatch.c',
  pvGuestAddress: null,
  vmapDefault: () => ARM32_VMAP_DEFAULT,
  alternatives: armAlternatives({
    get: branchOffset,
    set(word, offset, host) {
      const branch = withBranchOffset(word, offset);
      if (branch !== null) return branch;
      host.log('ERR', 'aarch32_set_branch_offset: new branch offset out of range.');
      return ARM32_BUG_OPCODE;
    },
  }),
  bugFrames: ARM_BUG_FRAMES,
  exTableEntrySize: 0,
  altCallSize: 0,
  code: armCode(branchOffset, 8, operands),
};
