import type { XenArch } from '../xen/index.ts';

/** How Capstone is asked for one architecture. The numbers are those of capstone.h, version 5. */
export interface Dialect {
  /** CS_ARCH_… */
  readonly arch: number;
  /** CS_MODE_… */
  readonly mode: number;
  /** CS_OPT_SYNTAX_…, or `undefined` where there is only one. */
  readonly syntax: number | undefined;
  /** Bytes from what is no instruction to where the next one may be. */
  readonly step: number;
  /** Puts operands into the form that objdump prints. */
  readonly operands: (text: string) => string;
}

const SYNTAX_ATT = 2;

/**
 * A whole decimal number as an immediate, a displacement or a jump target. Not the digits of a register or of a hex
 * number, and not a scale (`(%rax, %rbx, 4)`) or an x87 register's index (`%st(1)`), which `)` follows.
 */
const DECIMAL = /(^|[$*:,-] ?)(\d+)(?=$|[,(])/g;

/**
 * Capstone's AT&T printer has numbers below 10 in decimal, and negative immediates as decimal numbers of 64 bits; objdump
 * has hex throughout.
 */
const attOperands = (text: string): string =>
  text.replace(DECIMAL, (_all, before: string, digits: string) => `${before}0x${BigInt(digits).toString(16)}`);

const same = (text: string): string => text;

/** Xen runs on A32 instructions alone on arm32 (arch.mk: -marm), so there is no Thumb here. */
export const DIALECTS: Readonly<Record<XenArch, Dialect>> = {
  x86_64: { arch: 3, mode: 8, syntax: SYNTAX_ATT, step: 1, operands: attOperands },
  arm64: { arch: 1, mode: 0, syntax: undefined, step: 4, operands: same },
  arm32: { arch: 0, mode: 0, syntax: undefined, step: 4, operands: same },
};
