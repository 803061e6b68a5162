import { hex, viewOf } from '../base/index.ts';
import type { NumberSpec } from './number-text.ts';
import type { ArgumentSource } from './printk-arguments.ts';
import type { PrintkMachine } from './printk-machine.ts';
import type { PrintkOutput } from './printk-output.ts';
import { pciText } from './symbol-text.ts';

/**
 * `%p` and Xen's suffixes of it. A suffix that the release does not know is text after a plain `%p`.
 * Source: xen/common/vsprintf.c, pointer and the functions that it calls; docs/misc/printk-formats.txt.
 */

/** `%*ph` prints at most this many bytes. */
const HEX_DUMP_MAX = 64;

/** Separators of `%*ph` by the letter after it; a blank if there is none. */
const SEPARATORS: Readonly<Record<string, string>> = { C: ':', D: '-', N: '' };

/** Domain numbers that print as names. Source: xen/include/public/xen.h, DOMID_*. */
const SYSTEM_DOMAINS: Readonly<Record<number, string>> = {
  0x7ff1: '[IO]',
  0x7ff2: '[XEN]',
  0x7ff3: '[COW]',
  0x7fff: '[IDLE]',
};

/** DOMID_IDLE. */
const DOMID_IDLE = 0x7fff;

/** Maximum printed bits of a bitmap. Xen's widest are CPU masks: CONFIG_NR_CPUS is at most 16383. */
const BITMAP_MAX = 1 << 20;

/** Plain numbers inside a conversion. */
const PLAIN: NumberSpec = { flags: '', width: -1, precision: -1 };

/** Returns the spec of `%0*x` with this many digits. */
const padded = (width: number): NumberSpec => ({ flags: '0', width, precision: -1 });

/** Prints a `%p` whose suffix, if any, is at `at`. Returns the index after all of it. */
export function pointerConversion(
  out: PrintkOutput,
  format: string,
  at: number,
  spec: NumberSpec,
  args: ArgumentSource,
  machine: PrintkMachine,
): number {
  const { pointerSize, rules, memory } = machine;
  const address = BigInt.asUintN(pointerSize * 8, args.next(pointerSize));
  const suffix = format[at];
  switch (suffix) {
    case 'b':
      if (rules.bitmap) return at + 1 + bitmap(out, format[at + 1], spec.width, address, machine);
      break;
    case 'd':
      if (rules.domain) {
        domain(out, address, machine);
        return at + 1;
      }
      break;
    case 'h':
      return at + 1 + hexDump(out, format[at + 1], spec.width, address, machine);
    case 'p':
      if (rules.pci) {
        out.put(pciText(viewOf(memory.read(address, 4)).getUint32(0, true)));
        return at + 1;
      }
      break;
    case 's':
    case 'S': {
      const text = memory.symbolText(address, suffix === 'S');
      if (text === undefined) plain(out, address, spec, pointerSize);
      else out.put(text);
      return at + 1;
    }
    case 'v':
      vcpu(out, address, machine);
      return at + 1;
  }
  plain(out, address, spec, pointerSize);
  return at;
}

/** Prints all digits, unless a width says otherwise. */
function plain(out: PrintkOutput, address: bigint, spec: NumberSpec, pointerSize: 4 | 8): void {
  const all = { flags: `${spec.flags}0`, width: 2 * pointerSize, precision: spec.precision };
  out.number(address, 16, false, spec.width === -1 ? all : spec);
}

/** Prints `%*ph`. Returns how many format letters after the `h` belong to it; none if it prints nothing. */
function hexDump(
  out: PrintkOutput,
  letter: string | undefined,
  width: number,
  address: bigint,
  { memory }: PrintkMachine,
): number {
  if (width <= 0) return 0;
  const separator = SEPARATORS[letter ?? ''];
  out.put(hex(memory.read(address, Math.min(width, HEX_DUMP_MAX)), separator ?? ' '));
  return separator === undefined ? 0 : 1;
}

/** Prints `%*pb` and `%*pbl`. Returns how many format letters after the `b` belong to it. */
function bitmap(
  out: PrintkOutput,
  letter: string | undefined,
  width: number,
  address: bigint,
  { memory, pointerSize }: PrintkMachine,
): number {
  if (width < 0) return 0;
  const bits = Math.min(width, BITMAP_MAX);
  const list = letter === 'l';
  // Read whole longs, as the bit functions do.
  const bytes = memory.read(address, Math.ceil(bits / (pointerSize * 8)) * pointerSize);
  if (list) bitmapList(out, bytes, bits);
  else bitmapWords(out, viewOf(bytes), bits);
  return list ? 1 : 0;
}

/** Prints a list such as `0-3,6-15`. */
function bitmapList(out: PrintkOutput, bytes: Uint8Array, bits: number): void {
  const isSet = (bit: number): boolean => bit < bits && (((bytes[bit >> 3] as number) >> (bit & 7)) & 1) === 1;
  let separator = '';
  for (let bit = 0; bit < bits; bit++) {
    if (!isSet(bit)) continue;
    const first = bit;
    while (isSet(bit + 1)) bit++;
    out.put(first === bit ? `${separator}${first}` : `${separator}${first}-${bit}`);
    separator = ',';
  }
}

/** Prints words of 32 bits, the highest first. That one has as many digits as its bits need. */
function bitmapWords(out: PrintkOutput, view: DataView, bits: number): void {
  let width = bits % 32 || 32;
  for (let at = Math.ceil(bits / 32) * 4 - 4; at >= 0; at -= 4) {
    const word = BigInt.asUintN(width, BigInt(view.getUint32(at, true)));
    out.number(word, 16, false, padded(Math.ceil(width / 4)));
    if (at > 0) out.put(',');
    width = 32;
  }
}

/** Prints `d0` or `d[IDLE]`. */
function domain(out: PrintkOutput, address: bigint, machine: PrintkMachine): void {
  if (address === 0n) {
    out.put('NULL');
    return;
  }
  const id = domainId(address, machine);
  out.put(`d${SYSTEM_DOMAINS[id] ?? id}`);
}

function domainId(address: bigint, { layout, memory }: PrintkMachine): number {
  return viewOf(memory.read(address + BigInt(layout.domainId), 2)).getUint16(0, true);
}

/** Prints `d0v1` or `d[IDLE]v0`; in 4.11 `IDLEv0`. */
function vcpu(out: PrintkOutput, address: bigint, machine: PrintkMachine): void {
  const { layout, memory, pointerSize, rules } = machine;
  // 4.11 does not check for NULL: the reads below fault.
  if (address === 0n && rules.domain) {
    out.put('NULL');
    return;
  }
  const pointer = viewOf(memory.read(address + BigInt(layout.vcpuDomain), pointerSize));
  const owner = pointerSize === 8 ? pointer.getBigUint64(0, true) : BigInt(pointer.getUint32(0, true));
  if (rules.domain) domain(out, owner, machine);
  else {
    const id = domainId(owner, machine);
    out.put(id === DOMID_IDLE ? 'IDLE' : `d${id}`);
  }
  out.put('v');
  // An int, printed as unsigned long long.
  const id = viewOf(memory.read(address + BigInt(layout.vcpuId), 4)).getInt32(0, true);
  out.number(BigInt.asUintN(64, BigInt(id)), 10, false, PLAIN);
}
