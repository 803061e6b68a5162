import type { Access, Flow } from '../arch/index.ts';

/**
 * What the opcode of an x86-64 instruction says of control flow and of its memory operand: Capstone takes many operands that are written for
 * ones that are only read (CMPXCHG, SETcc, rotations). Source: Intel SDM volume 2, appendix A and the pages of the instructions.
 */
export interface Opcode {
  /** The opcode map: 0 of one byte, 1 behind 0f, 2 behind 0f 38, 3 behind 0f 3a; VEX and EVEX forms have the maps 1 to 3. */
  readonly map: number;
  readonly byte: number;
  /** The `reg` field of the byte behind it, which is ModRM where there is one. */
  readonly reg: number;
  /** The prefix that selects among instructions of one opcode: 66, f3 or f2; 0 for none. */
  readonly prefix: 0 | 0x66 | 0xf3 | 0xf2;
  readonly rexB: boolean;
  readonly rexW: boolean;
  readonly vex: boolean;
}

/** Prefixes before REX and the opcode. Source: Intel SDM volume 2, 2.1.1. */
const PREFIXES = new Set([0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65]);

/** The prefix that the `pp` bits of VEX and EVEX stand for. */
const PP = [0, 0x66, 0xf3, 0xf2] as const;

/** Where `pp` and the opcode are in VEX and EVEX forms, from the first byte, and which bits of the second are the map. Source: 2.3.5, 2.7. */
const VEX: Readonly<Record<number, { readonly pp: number; readonly opcode: number; readonly map: number }>> = {
  0xc5: { pp: 1, opcode: 2, map: 0 },
  0xc4: { pp: 2, opcode: 3, map: 0x1f },
  0x62: { pp: 2, opcode: 4, map: 7 },
};

/** Finds the opcode in the bytes of an instruction. */
export function opcodeOf(bytes: Uint8Array): Opcode {
  let at = 0;
  let prefix: Opcode['prefix'] = 0;
  for (; PREFIXES.has(bytes[at] ?? 0); at++) {
    const found = bytes[at];
    if (found === 0xf2 || found === 0xf3) prefix = found;
    else if (found === 0x66 && prefix === 0) prefix = found;
  }
  let rex = 0;
  let map = 0;
  const vex = VEX[bytes[at] ?? 0];
  if (vex !== undefined) {
    map = vex.map === 0 ? 1 : (bytes[at + 1] ?? 0) & vex.map;
    prefix = PP[((bytes[at + vex.pp] ?? 0) & 3) as 0 | 1 | 2 | 3];
    at += vex.opcode;
  } else {
    if (((bytes[at] ?? 0) & 0xf0) === 0x40) rex = bytes[at++] ?? 0;
    if (bytes[at] === 0x0f) {
      map = bytes[at + 1] === 0x38 ? 2 : bytes[at + 1] === 0x3a ? 3 : 1;
      at += Math.min(map, 2);
    }
  }
  return {
    map,
    byte: bytes[at] ?? 0,
    reg: ((bytes[at + 1] ?? 0) >> 3) & 7,
    prefix,
    rexB: (rex & 1) !== 0,
    rexW: (rex & 8) !== 0,
    vex: vex !== undefined,
  };
}

const FLOWS: readonly Readonly<Record<number, Flow>>[] = [
  {
    ...{ 0xc2: 'return', 0xc3: 'return', 0xca: 'return', 0xcb: 'return', 0xcf: 'return' },
    ...{ 0xcc: 'breakpoint', 0xf1: 'breakpoint', 0xe8: 'call', 0xe9: 'jump', 0xeb: 'jump', 0xf4: 'halt' },
  },
  // SYSRET, SYSEXIT; UD2, UD1, UD0.
  { 0x07: 'return', 0x35: 'return', 0x0b: 'trap', 0xb9: 'trap', 0xff: 'trap', 0x1f: 'nop' },
];

/** CALL and JMP to where a register or memory says, by the reg field of ModRM. */
const INDIRECT: Readonly<Record<number, Flow>> = {
  2: 'indirect-call',
  3: 'indirect-call',
  4: 'indirect-jump',
  5: 'indirect-jump',
};

/** Tells whether an instruction is a branch that may also go on: Jcc, LOOP and JRCXZ; XBEGIN, which goes to its operand when the transaction aborts. */
export function isConditional({ map, byte, reg, vex }: Opcode): boolean {
  if (vex || map > 1) return false;
  if (map === 1) return (byte & 0xf0) === 0x80;
  return (byte & 0xf0) === 0x70 || (byte >= 0xe0 && byte <= 0xe3) || (byte === 0xc7 && reg === 7);
}

/** What an instruction does to control flow. */
export function flowOf(opcode: Opcode): Flow {
  const { map, byte, reg, prefix, rexB, vex } = opcode;
  if (vex) return 'next';
  if (isConditional(opcode)) return 'jump';
  if (map === 0 && byte === 0xff) return INDIRECT[reg] ?? 'next';
  // NOP is XCHG of RAX with itself: with a REX.B it is R8, and behind f3 PAUSE.
  if (map === 0 && byte === 0x90) return rexB || prefix === 0xf3 ? 'next' : 'nop';
  return FLOWS[map]?.[byte] ?? 'next';
}

/** Accesses of a memory operand by the reg field of ModRM: `r`, `w`, `b` for both, `-` for none. One letter holds for all. */
const ACCESS = { r: 'read', w: 'write', b: 'read-write', '-': 'none' } as const satisfies Record<string, Access>;

/** Opcodes with the same accesses, as `first` or `first-last` in hex. What is not listed reads. */
const ACCESSES: readonly (readonly (readonly [opcodes: string, access: string])[])[] = [
  [
    ['00-01 08-09 10-11 18-19 20-21 28-29 30-31 86-87 c0-c1 d0-d3', 'b'],
    ['80-83', 'bbbbbbbr'],
    // MOV; POP; STOS, INS and MOV of a whole address.
    ['88-89 8c 8f a2-a3 c6-c7', 'w'],
    ['8d', '-'],
    ['f6-f7', 'rrbbrrrr'],
    ['fe-ff', 'bbrrrrrr'],
    // The x87: stores, and what saves control words or the whole state.
    ['d9', 'rrwwrrww'],
    ['db', 'rwwwrrrw'],
    ['dd', 'rwwwrrww'],
    ['df', 'rwwwrrww'],
  ],
  [
    ['00', 'wwrrrrrr'],
    ['01', 'wwrrwbr-'],
    ['0d 18 1c 1f b9 ff', '-'],
    ['11 13 17 29 2b 78 7f 90-9f c3 d6 e7', 'w'],
    ['7e', 'w'],
    ['a4-a5 ab-ad b0-b1 b3 bb c0-c1', 'b'],
    // FXSAVE, FXRSTOR, LDMXCSR, STMXCSR, XSAVE, XRSTOR, XSAVEOPT, CLFLUSH.
    ['ae', 'wrrwwrw-'],
    ['ba', 'rrrrrbbb'],
    // CMPXCHG8B and 16B, XRSTORS, XSAVEC, XSAVES, VMPTRLD, VMPTRST.
    ['c7', 'rbrrwwrw'],
  ],
  // Masked moves, scatters; WRUSS, WRSS; MOVDIRI; what MOVBE stores is below.
  [['2e-2f 8e a0-a3 f5-f6 f9', 'w']],
  // Extractions, and conversions to half precision.
  [['14-17 19 1b 1d 39 3b', 'w']],
];

const BY_OPCODE: readonly ReadonlyMap<number, string>[] = ACCESSES.map(
  (rows) =>
    new Map(
      rows.flatMap(([opcodes, access]) =>
        opcodes.split(' ').flatMap((range) => {
          const [first = 0, last = first] = range.split('-').map((hex) => Number.parseInt(hex, 16));
          return Array.from({ length: last - first + 1 }, (_, i) => [first + i, access] as const);
        }),
      ),
    ),
);

/** Where a prefix makes another instruction of an opcode: MOVQ that loads; CLRSSBSY, CLWB; MOVBE that stores, beside CRC32; BMI instructions. */
const BY_PREFIX: readonly (readonly [map: number, byte: number, reg: number | null, prefix: number, access: Access])[] =
  [
    [1, 0x7e, null, 0xf3, 'read'],
    [1, 0xae, 6, 0xf3, 'read-write'],
    [1, 0xae, 6, 0x66, 'none'],
    [2, 0xf1, null, 0, 'write'],
    [2, 0xf1, null, 0x66, 'write'],
    [2, 0xf6, null, 0x66, 'read'],
    [2, 0xf6, null, 0xf3, 'read'],
  ];

/** String instructions that write to where (R)DI points: INS, MOVS, STOS. */
const STORING = new Set([0x6c, 0x6d, 0xa4, 0xa5, 0xaa, 0xab]);

/** What an instruction does with its memory operand, which has that base register. */
export function accessOf({ map, byte, reg, prefix, vex }: Opcode, base: string | null): Access {
  if (map === 0 && STORING.has(byte)) return base === 'rdi' || base === 'edi' ? 'write' : 'read';
  // Of the VEX forms of this map, SHLX, MULX and the like only read; so do VEX forms of FMA.
  if (vex && map === 2 && byte >= 0xf0) return 'read';
  const special = BY_PREFIX.find(
    (row) => row[0] === map && row[1] === byte && (row[2] === null || row[2] === reg) && row[3] === prefix,
  );
  if (special !== undefined) return special[4];
  const letters = BY_OPCODE[map]?.get(byte) ?? 'r';
  return ACCESS[(letters[reg] ?? letters[0]) as keyof typeof ACCESS] ?? 'read';
}

/**
 * Bytes of memory operands that Capstone has wrong: `0` where the processor's state decides. Far pointers have an offset and a selector;
 * FXSAVE has 512 bytes, FNSAVE 108.
 */
export function widthOf({ map, byte, reg, prefix, rexW, vex }: Opcode, width: number): number {
  if (vex) return width;
  if (map === 0 && byte === 0xff && (reg === 3 || reg === 5)) return prefix === 0x66 ? 4 : rexW ? 10 : 6;
  if (map === 0 && byte === 0xdd && (reg === 4 || reg === 6)) return 108;
  if (map !== 1) return width;
  if (byte === 0xae && reg < 2) return 512;
  return (byte === 0xae && reg >= 4) || (byte === 0xc7 && reg >= 3 && reg <= 5) ? 0 : width;
}
