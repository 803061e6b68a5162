import type { CapstoneModule } from '@alexaltea/capstone-js';
import type { Flow, Operand } from '../arch/index.ts';
import type { DetailLayout, RawOperand } from './detail.ts';

/** What an instruction does to control flow. */
export interface FlowFacts {
  readonly flow: Flow;
  /** May control go on to the next instruction in spite of {@link flow}? */
  readonly conditional: boolean;
}

/** An instruction that Capstone has decoded, with detail. */
export interface Decoded {
  readonly bytes: Uint8Array;
  /** Where it starts, in bytes. */
  readonly place: number;
  readonly raw: readonly RawOperand[];
  readonly module: CapstoneModule;
  /** The architecture's part of `cs_detail`. */
  readonly detail: number;
}

/** How Capstone is asked for one architecture, and how its answer is read. The numbers are those of capstone.h, version 5. */
export interface Dialect {
  /** CS_ARCH_… */
  readonly arch: number;
  /** CS_MODE_… */
  readonly mode: number;
  /** CS_OPT_SYNTAX_…, or `undefined` where there is only one. */
  readonly syntax: number | undefined;
  /** Bytes from what is no instruction to where the next one may be. */
  readonly step: number;
  readonly layout: DetailLayout;
  /** Instructions without operands that Capstone does not know. */
  readonly missing: readonly { readonly bytes: readonly number[]; readonly mnemonic: string }[];
  /** Puts operands into the form that objdump prints. */
  readonly operandText: (text: string) => string;
  /** Told by the bytes alone: what asks each instruction of a function needs no detail. */
  readonly flow: (bytes: Uint8Array) => FlowFacts;
  readonly operands: (decoded: Decoded) => Operand[];
  /** The text of one operand, `text`, with `label` in place of the value in its field. */
  readonly label: (text: string, operand: Operand, label: string) => string;
}
