import { EI_CLASS, ELF64, ELFCLASS64, EM_AARCH64 } from '../../elf/index.ts';
import { arm64VmapDefault } from '../../xen/index.ts';
import type { Architecture } from '../architecture.ts';
import { armAlternatives } from '../arm/alternatives.ts';
import { ARM_BUG_FRAMES } from '../arm/bug-frames.ts';
import { armCode } from '../arm/code-forms.ts';
import { armImage } from '../arm/image.ts';
import { armObjects } from '../arm/object-forms.ts';
import { lpaePageTables } from '../arm/page-table.ts';
import { armPanicWords } from '../arm/panic-words.ts';
import { ARM_PATCH_INSN_SIZE, armApply, insnLength, revert, verifyFunc, wordBytes } from '../arm/patch.ts';
import { quiesce, revive } from '../arm/permissions.ts';
import { ARM64_PROCESSORS, armProcessors } from '../arm/processors.ts';
import { isMappingSymbol } from '../arm/symbols.ts';
import { ARM64_ENCODING, ARM64_NOP, ARM64_RANGE, branchOffset, withBranchOffset } from './branch.ts';
import { ARM64_EXECUTION } from './execution.ts';
import { operands } from './operands.ts';
import { ARM64_RELOCATION_RULES, ARM64_RELOCATIONS } from './relocations.ts';
import { resultStep } from './result.ts';

const PAGE_TABLES = lpaePageTables(0, 48);

/** R_AARCH64_TSTBR14, CONDBR19, JUMP26, CALL26. Source: ELF for the Arm 64-bit Architecture, 5.7. */
const BRANCHES = [279, 280, 282, 283] as const;

/** Link addresses of images: 2 MiB up to 4.17, then the slots of 4.18 and 4.19; an image takes up to 8 MiB. Source: asm-arm/config.h. */
const LINKABLE = { start: 0x20_0000n, end: (20n << 39n) + 0xa0_0000n };

/** arm64. Source: xen/arch/arm/livepatch.c, xen/arch/arm/arm64/livepatch.c. */
export const ARM64: Architecture = {
  name: 'arm64',
  machine: EM_AARCH64,
  elf: ELF64,
  pageTables: PAGE_TABLES,
  alignmentFault: null,
  image: armImage('arm64', { linkable: LINKABLE, step: resultStep }),
  processors: armProcessors(ARM64_PROCESSORS, 'cortex-a57', ARM64_NOP),
  panic: armPanicWords('Instruction Abort', PAGE_TABLES.accessOf),
  execution: ARM64_EXECUTION,
  patchInsnSize: ARM_PATCH_INSN_SIZE,
  range: ARM64_RANGE,
  // Xen does not check the byte order.
  verifyElf: (header) =>
    header.e_machine === EM_AARCH64 && header.e_ident[EI_CLASS] === ELFCLASS64
      ? null
      : { rule: 'wrong-machine', errno: 'EOPNOTSUPP', log: ['Unsupported ELF Machine type'] },
  symbolOk: (name) => !isMappingSymbol(name, 'dx'),
  symbolDeny: null,
  relocations: ARM64_RELOCATIONS,
  relocationRules: ARM64_RELOCATION_RULES,
  verifyFunc,
  apply: armApply(ARM64_ENCODING),
  revert,
  insnLength,
  patchOffset: () => 0,
  entrySize: 0,
  encodeJump: (from, to) => wordBytes(ARM64_ENCODING.encodeBranch(from, to).word),
  nopSequences: (length) => [wordBytes(ARM64_NOP, Math.floor(length / 4))],
  quiesce,
  revive,
  // Only the second mapping of the hypervisor's image is writable. Source: xen/arch/arm/livepatch.c.
  relaxesReadOnly: () => false,
  waitqueues: false,
  file: 'arch/arm/arm64/livepatch.c',
  pvGuestAddress: null,
  vmapDefault: arm64VmapDefault,
  alternatives: armAlternatives({ get: branchOffset, set: withBranchOffset }),
  bugFrames: ARM_BUG_FRAMES,
  exTableEntrySize: 0,
  altCallSize: 0,
  code: armCode(branchOffset, 0, operands),
  objects: armObjects(BRANCHES),
};
