import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { XenArch } from '../../src/xen/index.ts';
import { PREFIXES } from '../support/cross.ts';

/** An instruction as objdump has it. */
export interface DumpedLine {
  readonly address: bigint;
  readonly size: number;
  /** Mnemonic and operands, without comments and the names of places. */
  readonly text: string;
  /** The address that objdump names in a comment, for operands relative to the program counter. */
  readonly place: bigint | null;
}

const LINE = /^ *([0-9a-f]+):\t((?:[0-9a-f]{2,8} )+) *(?:\t(.*))?$/;

/** The instructions that `objdump ARGS` prints, one after the other as they come. */
export async function* dumpedLines(arch: XenArch, args: readonly string[]): AsyncGenerator<DumpedLine, void, void> {
  const child = spawn(`${PREFIXES[arch]}objdump`, ['-dwz', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  for await (const line of createInterface({ input: child.stdout })) {
    const [, address, hex = '', printed = ''] = LINE.exec(line) ?? [];
    if (address === undefined) continue;
    // `#` begins a number on Arm.
    const comment = arch === 'x86_64' ? /\s*# *(.*)$/ : COMMENT_OF_ARM;
    const note = comment.exec(printed)?.[1] ?? '';
    yield {
      address: BigInt(`0x${address}`),
      size: hex.replaceAll(' ', '').length / 2,
      text: printed
        .replace(comment, '')
        .replace(/ <[^>]*>/, '')
        .replace('\t', ' ')
        .trim(),
      place: /^[0-9a-f]{6,} /.test(note) ? BigInt(`0x${note.split(' ')[0]}`) : null,
    };
  }
  const status = await ended;
  if (status !== 0) throw new Error(`objdump ${args.join(' ')} ended with ${status}`);
}

const COMMENT_OF_ARM = /\s*(?:\/\/|;|@) *(.*)$/;
