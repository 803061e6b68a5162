import type { CapstoneModule } from '@alexaltea/capstone-js';
import type { Flow, Operand } from '../arch/index.ts';
import type { DetailLayout, RawOperand } from './detail.ts';

/** What an instruction is made of. */
export interface Parts {
  readonly flow: Flow;
  readonly conditional: boolean;
  readonly operands: readonly Operand[];
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
  readonly parts: (decoded: Decoded) => Parts;
  /** The text of one operand, `text`, with `label` in place of the value in its field. */
  readonly label: (text: string, operand: Operand, label: string) => string;
}
