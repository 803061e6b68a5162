import { ARM32, ARM64, structPayloadOf } from '../../arch/index.ts';
import { fromLatin1, hex } from '../../base/index.ts';
import type { ArmCode, ArmName, ArmValue, PayloadSpec, SectionSpec, X86Value } from '../../synth/index.ts';
import { armHookPayload as hookPayload, type WriteArm } from '../../synth/index.ts';
import { type HookKind, offsetIn, RELEASES, type Release } from '../../xen/index.ts';
import type { ConformCase, ConformStep } from '../case.ts';
import { BYTES, type Conversion, numbers, pointers, strings } from './printk.ts';

/** Cases whose hooks run on arm64 and arm32: their arguments, output, results and traps. */

/** `r_type` of a distance from the field. IHI 0056, 5.7.5; IHI 0044, 4.6.1.3. */
const DISTANCES = { arm64: 261, arm32: 3 } as const;

const life: readonly ConformStep[] = [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { unload: 'p' }];
const twice: readonly ConformStep[] = [...life.slice(0, 3), { apply: 'p' }, { revert: 'p' }, { unload: 'p' }];

const patching: PayloadSpec = { code: [{ symbol: 'lp_new_fn', returns: '-HOOKS' }], functions: [{ new: 'lp_new_fn' }] };

const hook =
  (write: WriteArm, result = 0): WriteArm =>
  (code) =>
    write(code.enter()).set(0, result).leave();

const STATE: ArmValue = { at: 0, size: 4 };
const RC: ArmValue = { at: 4, size: 4 };
const REVERTED: ArmValue = { at: 8, size: 1 };

const tells = (text: string, result = 0, more: WriteArm = (code) => code): WriteArm =>
  hook((code) => more(code.say(`<0>${text}: state %u rc %d reverted %u\n`, STATE, RC, REVERTED)), result);

/** The payload's structure of the releases that keep the state outside of the payload (82182ad7b4). */
const offsetOf = (arch: ArmName, member: string): number =>
  offsetIn(structPayloadOf({ arm64: ARM64, arm32: ARM32 }[arch], RELEASES[RELEASES.length - 1] as Release), member);

/** Reads `fstate`, and sets `applied` of its first entry. */
const setState =
  (applied: number): WriteArm =>
  (code) =>
    code
      .set(0, { at: offsetOf(code.arch, 'fstate') })
      .set(1, applied)
      // str w1, [x0, #4]; str r1, [r0, #4]
      .raw({ arm64: [0xb900_0401], arm32: [0xe580_1004] });

const readsMembers: WriteArm = hook((code) => {
  for (const part of ['text', 'rw', 'ro']) {
    const [addr, size] = [`${part}_addr`, `${part}_size`].map((member) => ({ at: offsetOf(code.arch, member) }));
    code.say(`<0>${part} %p %zu\n`, addr as ArmValue, size as ArmValue);
  }
  return code.say(
    '<0>pages %u funcs %p\n',
    { at: offsetOf(code.arch, 'pages'), size: 4 },
    { at: offsetOf(code.arch, 'funcs') },
  );
});

const KINDS: readonly HookKind[] = ['preapply', 'apply', 'postapply', 'prerevert', 'revert', 'postrevert'];

const counts =
  (kind: string): WriteArm =>
  (code) =>
    code
      .enter()
      .set(2, { symbol: 'counter' })
      // ldr w1, [x2]; add w1, w1, #1; str w1, [x2]
      .raw({ arm64: [0xb940_0041, 0x1100_0421, 0xb900_0041], arm32: [0xe592_1000, 0xe281_1001, 0xe582_1000] })
      .set(0, { text: `<0>${kind}: counter %d\n` })
      .callWith('printk', [])
      .leave();

const armValue = (value: X86Value): ArmValue => {
  if (typeof value !== 'object' || 'text' in value || 'at' in value) return value;
  if (value.symbol === 'prints') return { ...value, symbol: 'h' };
  // Static symbols have other names in other builds.
  return value.symbol.includes('#') ? { ...value, symbol: 'printk' } : value;
};

/** A value of 64 bits is two arguments on arm32: formats of those are left out there. */
const fits = (arch: ArmName, [format]: Conversion): boolean => arch === 'arm64' || !/ll|L/.test(format);

function conversions(arch: ArmName, name: string, list: readonly Conversion[]): ConformCase {
  const prints: WriteArm = (code) => {
    code.enter();
    for (const [format, ...args] of list.filter((each) => fits(arch, each))) {
      code.say(`<0>${format.replaceAll('%', '%%')} = [${format}]\n`, ...args.map(armValue));
    }
    return code.leave();
  };
  return single(arch, `printk-${name}`, prints, { sections: [BYTES] });
}

function single(
  arch: ArmName,
  name: string,
  write: WriteArm,
  rest: PayloadSpec = {},
  kind: HookKind = 'load',
): ConformCase {
  return {
    name: `hook-${arch}-${name}`,
    only: [arch],
    payloads: { p: hookPayload(arch, { h: write }, { [kind]: ['h'] }, rest) },
    steps: life,
  };
}

/** A symbol in the hypervisor's data that code may fill: where a file name has to be. */
const SCRATCH = 'saved_cmdline';

const text = (name: string, symbol: string, content: string): SectionSpec => ({
  name,
  flags: 'A',
  hex: hex(fromLatin1(`${content}\0`)),
  symbols: [{ name: symbol, at: 0 }],
});

/** A `.bug_frames.N` with one frame. Source: asm-arm/bug.h. */
const bugFrame = (arch: ArmName, type: number, line: number, file: string, condition?: string): SectionSpec => ({
  name: `.bug_frames.${type}`,
  flags: 'A',
  hex: `${'00'.repeat(12)}${hex(Uint8Array.of(line & 0xff, line >> 8))}0000`,
  align: 4,
  fields: [
    { at: 0, symbol: 'h', addend: 4 * PROLOGUE[arch], type: DISTANCES[arch] },
    { at: 4, symbol: file, addend: 4, type: DISTANCES[arch] },
    ...(condition === undefined ? [] : [{ at: 8, symbol: condition, addend: 8, type: DISTANCES[arch] }]),
  ],
});

/** Words of {@link ArmCode.enter}: the trap is the first instruction behind it. */
const PROLOGUE = { arm64: 4, arm32: 2 } as const;

/** brk #1; udf #0x0 with Xen's number. Source: asm-arm/arm64/bug.h, arm32/bug.h. */
const BUG = { arm64: [0xd420_0020], arm32: [0xe7f0_00f0] } as const;

const WARN_TYPE = 1;
const BUG_TYPE = 2;
const ASSERT_TYPE = 3;
const RUN_FN_TYPE = 0;

const traps: WriteArm = (code) => code.enter().raw(BUG).say('<0>behind it\n').leave();

/** Writes `a/b.c` to {@link SCRATCH} first, where the frame of the trap in `h` has its file. */
const fills: WriteArm = (code) =>
  code
    .enter()
    .callWith('snprintf', [{ symbol: SCRATCH }, 16, { text: 'a/%c.c' }, 98])
    .leave();

const inHypervisor = (arch: ArmName, name: string, type: number, kind: HookKind = 'load'): ConformCase => ({
  ...single(arch, name, traps),
  payloads: {
    p: hookPayload(
      arch,
      { fills, h: traps },
      kind === 'load' ? { load: ['fills', 'h'] } : { load: ['fills'], [kind]: ['h'] },
      { sections: [bugFrame(arch, type, 1234, SCRATCH, type === ASSERT_TYPE ? SCRATCH : undefined)] },
    ),
  },
});

const data = (name: string, flags: string): SectionSpec => ({
  name,
  flags,
  hex: 'aa'.repeat(16),
  align: 8,
  symbols: [{ name: 'bytes', at: 0 }],
});

/** Reads from the address, or writes to it. */
const reads =
  (value: ArmValue): WriteArm =>
  (code) =>
    code
      .enter()
      .set(1, value)
      .raw({ arm64: [0xf940_0022], arm32: [0xe591_2000] })
      .leave();
const writes =
  (value: ArmValue): WriteArm =>
  (code) =>
    code
      .enter()
      .set(1, value)
      .raw({ arm64: [0xb900_003f], arm32: [0xe581_1000] })
      .say('<0>written\n')
      .leave();
const goesTo =
  (value: ArmValue): WriteArm =>
  (code) =>
    // blr x1; blx r1
    code
      .enter()
      .set(1, value)
      .raw({ arm64: [0xd63f_0020], arm32: [0xe12f_ff31] })
      .leave();

const runFunction = (arch: ArmName, name: string, write: WriteArm): ConformCase => ({
  ...single(arch, name, traps),
  payloads: {
    p: hookPayload(
      arch,
      // The function is in the first register.
      {
        h: (code) => code.enter().set(0, { symbol: 'is_run' }).raw(BUG).say('<0>behind it\n').leave(),
        is_run: write,
      },
      { load: ['h'] },
      {
        sections: [
          {
            ...bugFrame(arch, RUN_FN_TYPE, 0, 'h'),
            fields: [
              {
                at: 0,
                symbol: 'h',
                addend: 4 * PROLOGUE[arch] + { arm64: 8, arm32: 12 }[arch],
                type: DISTANCES[arch],
              },
            ],
          },
        ],
      },
    ),
  },
});

/** Of `struct cpu_user_regs`: where `pc` is. */
const REGS_PC = { arm64: 256, arm32: 60 } as const;

const casesOf = (arch: ArmName): readonly ConformCase[] => [
  {
    name: `hook-${arch}-load-order`,
    only: [arch],
    payloads: {
      p: hookPayload(
        arch,
        Object.fromEntries(
          ['load_1', 'load_2', 'unload_1', 'unload_2'].map((name): [string, WriteArm] => [
            name,
            (code) => code.enter().say(`<0>${name}\n`).leave(),
          ]),
        ),
        { load: ['load_2', 'load_1'], unload: ['unload_2', 'unload_1', 'unload_2'] },
        patching,
      ),
    },
    steps: twice,
  },
  {
    name: `hook-${arch}-counter`,
    only: [arch],
    payloads: {
      p: hookPayload(
        arch,
        { up: counts('load'), more: counts('unload') },
        { load: ['up'], unload: ['more'] },
        {
          ...patching,
          sections: [{ name: '.data', flags: 'AW', hex: '07000000', align: 4, symbols: [{ name: 'counter', at: 0 }] }],
        },
      ),
    },
    steps: [...life.slice(0, 3), { apply: 'p' }, { replace: 'p' }, { revert: 'p' }, { unload: 'p' }],
  },
  {
    name: `hook-${arch}-all`,
    only: [arch],
    payloads: {
      p: hookPayload(
        arch,
        Object.fromEntries(KINDS.map((kind): [string, WriteArm] => [`h_${kind}`, tells(kind)])),
        Object.fromEntries(KINDS.map((kind) => [kind, [`h_${kind}`]])),
      ),
    },
    steps: twice,
  },
  {
    name: `hook-${arch}-reads-payload`,
    only: [arch],
    payloads: { p: hookPayload(arch, { h: readsMembers }, { preapply: ['h'], postrevert: ['h'] }, patching) },
    steps: twice,
  },
  ...[-16, 5].flatMap((result): ConformCase[] => [
    ...(['preapply', 'prerevert', 'apply', 'revert'] as const).map(
      (kind): ConformCase => ({
        name: `hook-${arch}-${kind}-returns-${result}`,
        only: [arch],
        payloads: {
          p: hookPayload(
            arch,
            { h: tells(kind, result), after: tells('after') },
            { [kind]: ['h'], [kind.includes('apply') ? 'postapply' : 'postrevert']: ['after'] },
            patching,
          ),
        },
        steps: life,
      }),
    ),
  ]),
  {
    name: `hook-${arch}-sets-state`,
    only: [arch],
    payloads: {
      p: hookPayload(
        arch,
        { applies: tells('apply', 0, setState(1)), reverts: tells('revert', 0, setState(0)) },
        { apply: ['applies'], revert: ['reverts'] },
        patching,
      ),
    },
    steps: twice,
  },
  conversions(arch, 'numbers', numbers),
  conversions(arch, 'strings', strings),
  conversions(arch, 'pointers', pointers),
  single(arch, 'printk-many-arguments', (code) =>
    code.enter().say('<0>%d %d %d %d %d %d %d %d %d %s\n', 1, 2, 3, 4, 5, 6, 7, 8, 9, { text: 'ten' }).leave(),
  ),
  inHypervisor(arch, 'warn', WARN_TYPE),
  inHypervisor(arch, 'warn-postapply', WARN_TYPE, 'postapply'),
  inHypervisor(arch, 'bug', BUG_TYPE),
  inHypervisor(arch, 'assert', ASSERT_TYPE),
  ...[WARN_TYPE, BUG_TYPE].map((type) =>
    single(arch, `own-file-${type}`, traps, {
      sections: [text('.rodata.file', 'file_name', 'a/b.c'), bugFrame(arch, type, 77, 'file_name')],
    }),
  ),
  runFunction(arch, 'run-fn', (code) => code.enter().say('<0>run at %pS\n', { at: REGS_PC[arch] }).leave()),
  runFunction(arch, 'run-fn-shows-state', (code) => code.jump('show_execution_state')),
  single(arch, 'trap-without-frame', traps),
  single(arch, 'undefined', (code) =>
    code
      .enter()
      .raw({ arm64: [0], arm32: [0xe7ff_ffff] })
      .leave(),
  ),
  single(arch, 'data-abort-read', reads(0x10)),
  single(arch, 'data-abort-write', writes(0x2000_0000)),
  single(arch, 'data-abort-preapply', reads(0x10), {}, 'preapply'),
  single(arch, 'writes-own-rodata-load', writes({ symbol: 'bytes' }), { sections: [data('.rodata', 'A')] }),
  single(
    arch,
    'writes-own-rodata-preapply',
    writes({ symbol: 'bytes' }),
    { sections: [data('.rodata', 'A')] },
    'preapply',
  ),
  single(arch, 'writes-own-data', writes({ symbol: 'bytes' }), { sections: [data('.data', 'AW')] }),
  single(arch, 'writes-own-text', writes({ symbol: 'h' })),
  single(arch, 'writes-hypervisor-text', writes({ symbol: 'xen_extra_version' })),
  single(arch, 'jump-to-null', goesTo(0)),
  single(arch, 'execute-data', goesTo({ symbol: 'bytes' }), { sections: [data('.data', 'AW')] }),
  single(arch, 'panic', (code) =>
    code
      .enter()
      .callWith('panic', [{ text: 'hook %d says so\n' }, 7])
      .leave(),
  ),
];

export const ARM_HOOK_CASES: readonly ConformCase[] = [...casesOf('arm64'), ...casesOf('arm32')];
