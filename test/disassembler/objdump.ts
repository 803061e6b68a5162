import { withTool } from '../support/gcc.ts';

/** One line of `objdump -dr`. */
export interface DumpedInstruction {
  /** Bytes from the start of the section. */
  readonly offset: number;
  readonly size: number;
  /** Mnemonic and operands, without what objdump adds behind them. */
  readonly text: string;
  /** The relocations in its bytes as printed: `R_X86_64_PLT32`, `printk-0x4`. */
  readonly relocations: readonly { readonly offset: number; readonly type: string; readonly value: string }[];
}

/** The code of one section as `objdump -dr` shows it. */
export function objdump(bytes: Uint8Array, section = '.text'): DumpedInstruction[] {
  const lines = withTool('objdump', ['-drw', '-j', section, 'in'], { in: bytes }, ({ stdout }) => stdout.split('\n'));
  return lines.flatMap((line) => {
    const [head = '', ...rest] = line.split(/\t(?=[0-9a-f]+: R_)/);
    const [, offset, hex, text] = /^ *([0-9a-f]+):\t((?:[0-9a-f]{2} )+) *(?:\t(.*))?$/.exec(head) ?? [];
    if (offset === undefined || hex === undefined) return [];
    const relocations = rest.map((relocation) => {
      const [, at, type, value] = /^([0-9a-f]+): (R_\w+)\t(.*)$/.exec(relocation) ?? [];
      return { offset: Number.parseInt(at ?? '', 16), type: type ?? '', value: value ?? '' };
    });
    return [
      {
        offset: Number.parseInt(offset, 16),
        size: hex.trim().split(' ').length,
        text: (text ?? '').replace(/ *[#<].*$/, '').trim(),
        relocations,
      },
    ];
  });
}

/** Prefixes that objdump prints as words of their own where they change nothing. */
const IDLE_PREFIX = /^(?:(?:cs|ds|es|ss|data16|rex\.W) )+/;

/**
 * Do two texts name the same operation? objdump leaves out the size suffix where a register tells the size, Capstone
 * writes it always; and objdump says what 0x66 0x90 is by the manual, an exchange of %ax with itself.
 */
export function sameMnemonic(dumped: string, ours: string): boolean {
  const [theirs = ''] = dumped.replace(IDLE_PREFIX, '').split(' ');
  const [mine = ''] = ours.split(' ');
  if (/^xchg +%ax,%ax$/.test(dumped)) return mine === 'nop';
  return mine === theirs || (mine.startsWith(theirs) && /^[bwlq]$/.test(mine.slice(theirs.length)));
}
