import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SHF_ALLOC } from '../../src/elf/index.ts';
import type { SimulatedTarget } from '../../src/hypervisor/index.ts';
import { MutableElf } from './mutable-elf.ts';
import { EXTRA_VERSION, hostWith, id, patch, payloadFor, poke, type StatePayload, WRITABLE } from './state-support.ts';
import { apply, bootHost, type HostSettings, loaded, upload } from './support.ts';

const STARS = '****************************************';
const A: StatePayload = { buildId: id(0xa1), functions: [patch(EXTRA_VERSION)] };
const READ_ONLY: StatePayload = { ...A, funcsFlags: SHF_ALLOC };

const screenOf = (target: SimulatedTarget): readonly string[] => target.hypervisor.stopped?.panic?.screen ?? [];

/** A host that dies of a write to a read-only `.livepatch.funcs`. */
function writesState(settings: HostSettings = {}) {
  const target = hostWith({ a: READ_ONLY }, { release: '4.18.0', ...settings });
  apply(target, 'a');
  return target;
}

/** A complete screen of the real hypervisor: Debian's 4.17.7 in QEMU, release build. */
const recorded = (name: string): string[] =>
  readFileSync(new URL(`./recorded-screens/${name}.txt`, import.meta.url), 'latin1')
    .trimEnd()
    .split('\n');

/**
 * The order of the parts of a screen, without what only a real run knows: registers, code and stack, which are one `[...]` in ours; the
 * frames, of which ours has those that are sure; and the entries of the page tables.
 */
function shape(screen: readonly string[]): string[] {
  const parts: string[] = [];
  for (const line of screen) {
    const part = partOf(line);
    if (part !== parts.at(-1) || part === '') parts.push(part);
  }
  return parts;
}

function partOf(line: string): string {
  if (/^----\[ Xen-4\.\d+\.\d+ {2}x86_64 {2}debug=[yn] {2}Not tainted \]----$/.test(line)) return 'banner';
  if (/^RIP: {4}e008:\[<[0-9a-f?]+>\] /.test(line)) return 'RIP';
  if (/^( L[1-4]\[0x[0-9a-f]{3}\] = [0-9a-f]{16} [0-9a-f]{16})( \(PSE\))?$/.test(line)) return 'entry';
  if (/^ {3}\[<[0-9a-f?]+>\] R /.test(line)) return 'here';
  if (/^ {3}\[<[0-9a-f?]+>\] [FS] /.test(line)) return 'frame';
  if (
    line === '[...]' ||
    /^(r[a-z0-9]+:|RFLAGS:|cr3:|fsb:|ds:|Xen code around|Xen stack trace|( [0-9a-f<>-]+)+$| {3}[0-9a-f]{16} )/i.test(
      line,
    )
  ) {
    return 'state';
  }
  return line.replace(/[0-9a-f]{16}/g, 'ADDRESS').replace(/^(Xen BUG at ).*/, '$1…');
}

describe('a page fault', () => {
  it('has the form of Xen’s screen', () => {
    const target = writesState();
    const { addr } = loaded(target, 'a').funcs;
    const address = (addr + 0x41n).toString(16);
    const screen = screenOf(target);
    expect(screen.slice(0, 4)).toEqual([
      '----[ Xen-4.18.0  x86_64  debug=n  Not tainted ]----',
      'CPU:    0',
      expect.stringMatching(/^RIP: {4}e008:\[<\?>\] arch_livepatch_apply\+\?\/0x[0-9a-f]+$/),
      '[...]',
    ]);
    const walk = screen.indexOf(`Pagetable walk from ${address}:`);
    const bits = addr + 0x41n;
    const index = (shift: bigint) => `0x${((bits >> shift) & 0x1ffn).toString(16).padStart(3, '0')}`;
    expect(screen.slice(walk)).toEqual([
      `Pagetable walk from ${address}:`,
      expect.stringMatching(new RegExp(`^ L4\\[${index(39n)}\\] = 0000[0-9a-f]{9}063 ffffffffffffffff$`)),
      expect.stringMatching(new RegExp(`^ L3\\[${index(30n)}\\] = 0000[0-9a-f]{9}063 ffffffffffffffff$`)),
      expect.stringMatching(new RegExp(`^ L2\\[${index(21n)}\\] = 0000[0-9a-f]{9}063 ffffffffffffffff$`)),
      // Present, accessed, global, not executable: a payload's read-only data.
      expect.stringMatching(new RegExp(`^ L1\\[${index(12n)}\\] = 8000[0-9a-f]{9}121 ffffffffffffffff$`)),
      '',
      STARS,
      'Panic on CPU 0:',
      'FATAL PAGE FAULT',
      '[error_code=0003]',
      `Faulting linear address: ${address}`,
      STARS,
      '',
      'Reboot in five seconds...',
    ]);
  });

  it('names the functions on the stack, static ones with their file', () => {
    expect(
      screenOf(writesState())
        .filter((line) => line.startsWith('   [<'))
        .map((line) => line.replace(/\+.*/, '')),
    ).toEqual([
      '   [<?>] R arch_livepatch_apply',
      '   [<?>] S common/livepatch.c#apply_payload',
      '   [<?>] S check_for_livepatch_work',
      '   [<?>] S arch/x86/domain.c#idle_loop',
    ]);
    // A debug build has frame pointers.
    const debug = screenOf(writesState({ debugBuild: true }));
    expect(debug[0]).toBe('----[ Xen-4.18.0  x86_64  debug=y  Not tainted ]----');
    expect(debug.filter((line) => / F /.test(line))).toHaveLength(3);
  });

  it('does not appear on the console, and its message is the box’s first line', () => {
    const target = writesState();
    expect(target.hypervisor.machine.console.lines.map(({ text }) => text).join()).not.toContain('Panic');
    expect(target.hypervisor.stopped?.panic).toMatchObject({ message: 'FATAL PAGE FAULT', errorCode: 3 });
  });
});

describe('the log level', () => {
  const box = ['', STARS, 'Panic on CPU 0:', 'FATAL PAGE FAULT', '[error_code=0003]'];

  it.each([
    ['4.16.7', 'error', false],
    ['4.16.7', 'none', false],
    // The state has the default level: WARNING up to 4.17, INFO since.
    ['4.16.7', 'warning', true],
    ['4.18.0', 'warning', false],
    ['4.18.0', 'info', true],
    ['4.18.0', 'all', true],
    ['4.18.0', 'default', true],
    ['4.17.1', 'default', true],
  ])('%s with loglvl=%s', (release, loglvl, whole) => {
    const screen = screenOf(writesState({ release, loglvl }));
    expect(screen.some((line) => line.startsWith('----['))).toBe(whole);
    expect(screen.some((line) => line.startsWith('Pagetable walk'))).toBe(whole);
    // panic() prints at every level.
    const first = screen.indexOf(STARS);
    expect(screen.slice(first - 1, first + 4)).toEqual(box);
    expect(screen.at(-1)).toBe('Reboot in five seconds...');
  });
});

describe('a panic by the livepatch code', () => {
  const inconsistent = (name: string) => {
    const target = hostWith(
      { [name]: { ...A, funcsFlags: WRITABLE } },
      { release: '4.17.2', domainsWithWaitqueue: [1] },
    );
    poke(target, loaded(target, name).funcs.addr + 64n, [1]);
    apply(target, name);
    return target;
  };

  it('prints only the box', () => {
    expect(screenOf(inconsistent('a'))).toEqual([
      '',
      STARS,
      'Panic on CPU 0:',
      "livepatch: partially applied payload 'a'!",
      STARS,
      '',
      'Reboot in five seconds...',
    ]);
  });

  it('keeps 127 characters, and loses the newline of longer texts', () => {
    const name = 'n'.repeat(120);
    const target = inconsistent(name);
    const text = `livepatch: partially applied payload '${name}'!`.slice(0, 127);
    expect(screenOf(target)).toEqual(['', STARS, 'Panic on CPU 0:', text + STARS, '', 'Reboot in five seconds...']);
    expect(target.hypervisor.stopped?.panic?.message).toBe(text);
  });
});

describe('the shape of the real hypervisor’s screens', () => {
  const release = '4.17.7';
  const host = () => bootHost({ release });
  const file = (spec: StatePayload = {}) => payloadFor({ ...A, ...spec, release });

  it.each([
    [
      'modinfo-size-0',
      () => {
        const target = host();
        upload(target, 'p', new MutableElf(file({ modinfo: ['x'] })).section('.modinfo', 'size', 0).bytes);
        return target;
      },
    ],
    [
      'funcs-not-alloc',
      () => {
        const target = host();
        upload(target, 'p', new MutableElf(file()).section('.livepatch.funcs', 'flags', 0).bytes);
        return target;
      },
    ],
    [
      'old-addr-non-canonical',
      () => {
        const target = host();
        upload(target, 'p', file({ functions: [{ name: 'f', oldAddr: 0x1234_5678_9abc_def0n }] }));
        return target;
      },
    ],
    [
      'symtab-link-0',
      () => {
        const target = host();
        upload(target, 'p', new MutableElf(file()).section('.symtab', 'link', 0).bytes);
        return target;
      },
    ],
    [
      'rela-info-0',
      () => {
        const target = host();
        upload(target, 'p', new MutableElf(file()).section('.rela.livepatch.funcs', 'info', 0).bytes);
        return target;
      },
    ],
    [
      'null-load-hook',
      () => {
        const nothing = (builder: { fields(name: string, size: number, flags: number, align: number): unknown }) => {
          builder.fields('.livepatch.hooks.load', 8, SHF_ALLOC, 8);
        };
        const target = hostWith({ p: { ...A, more: nothing } }, { release });
        apply(target, 'p');
        return target;
      },
    ],
    [
      'nop-old-addr-non-canonical-at-apply',
      () => {
        const functions = [{ name: 'f', code: null, newSize: 5, oldAddr: 0x1234_5678_9abc_def0n }];
        const target = hostWith({ p: { ...A, functions } }, { release });
        apply(target, 'p');
        return target;
      },
    ],
    [
      'alternative-feature-672',
      () => {
        const target = host();
        upload(
          target,
          'p',
          file({
            more: (builder) => {
              const original = builder.code('.text.alt', 'has_alternative', new Uint8Array(16).fill(0x90));
              const replacement = builder.code('.altinstr_replacement', 'replacement', Uint8Array.of(0x66, 0x90));
              const entry = builder.fields('.altinstructions', 14, SHF_ALLOC, 1);
              entry.relative(0, { symbol: original }).relative(4, { symbol: replacement });
              entry.view.setUint16(8, 672, true);
              entry.view.setUint16(10, 0x0202, true);
              entry.finish(builder.writer);
            },
          }),
        );
        return target;
      },
    ],
  ] as const)('%s', (name, dies) => {
    // The recording starts with the console's last lines.
    const real = recorded(name);
    const start = real.findIndex((line) => line.startsWith('----[') || line.startsWith('Xen BUG'));
    const ours = shape(screenOf(dies()));
    expect(ours.filter((part) => part !== 'entry' && part !== 'frame')).toEqual(
      shape(real.slice(start)).filter((part) => part !== 'entry' && part !== 'frame'),
    );
  });
});

describe('a reset', () => {
  it('prints nothing, and its message has the cause', () => {
    const functions = [{ name: 'common/kernel.c#dump_state', code: null, newSize: 2, oldSize: 28 }];
    const target = hostWith({ a: { ...A, functions } });
    apply(target, 'a');
    expect(screenOf(target)).toEqual([]);
    expect(target.hypervisor.stopped?.panic?.message).toMatch(/^reset: /);
  });
});
