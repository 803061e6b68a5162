/**
 * What was recorded on the real hypervisor; `replay.ts` plays it again on the simulator. Each file adds its cases to the
 * list, in the order in which they are imported here.
 */
import './cases/good-cycles.ts';
import './cases/nops-and-endbr64.ts';
import './cases/expectations.ts';
import './cases/stacks.ts';
import './cases/hooks.ts';
import './cases/names-and-lists.ts';
import './cases/symbols.ts';
import './cases/notes.ts';
import './cases/functions.ts';
import './cases/elf-header.ts';
import './cases/section-headers.ts';
import './cases/relocations.ts';
import './cases/alternatives.ts';
import './cases/traps.ts';
import './cases/placement.ts';

export { type Case, cases, type ListArgs, type RawOp, type Step } from './cases/define.ts';
