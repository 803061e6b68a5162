import { describe, expect, it } from 'vitest';
import { hex, viewOf } from '../../src/base/index.ts';
import { SHF_ALLOC, SHF_EXECINSTR } from '../../src/elf/index.ts';
import { RELEASES } from '../../src/xen/index.ts';
import { buildPayload, type PayloadBuilder } from '../support/elf-builder.ts';
import { bootHost, type HostSettings, loaded, miniatureImage, pagesOf, processorNamed, upload } from './support.ts';

/** Alternatives in uploaded payloads: prepare_payload's checks, and the resulting code. */

const ALWAYS = 93;

interface Alternative {
  readonly cpuid?: number;
  readonly origLength?: number;
  readonly replLength?: number;
  readonly padLength?: number;
  /** Bytes from the start of `.text.alt`. */
  readonly orig?: number;
  /** Bytes from the start of `.altinstr_replacement`. */
  readonly repl?: number;
}

const CODE = [0x0f, 0x31, 0xc3, 0x90, 0x90, 0x90, 0x90, 0xcc];

function payload(version: string, alternatives: readonly Alternative[], more?: (builder: PayloadBuilder) => void) {
  const release = RELEASES.find((row) => row.version === version);
  if (release === undefined) throw new Error(version);
  const xen = miniatureImage().buildId as Uint8Array;
  return buildPayload({
    layout: release.funcLayout,
    // Give the address, so that nothing depends on the name's resolution.
    functions: [{ name: 'xen_extra_version' }],
    depends: xen,
    xenDepends: xen,
    more: (builder) => {
      const { writer } = builder;
      const flags = SHF_ALLOC | SHF_EXECINSTR;
      const code = writer.sectionSymbol(
        writer.section('.text.alt', { flags, data: Uint8Array.from(CODE), addralign: 16 }),
      );
      const data = Uint8Array.of(0x31, 0xc0, 0xf4, 0xf4);
      const replacement = writer.sectionSymbol(writer.section('.altinstr_replacement', { flags, data }));
      const table = builder.fields('.altinstructions', 14 * alternatives.length, SHF_ALLOC, 1);
      alternatives.forEach((entry, i) => {
        const at = 14 * i;
        table.relative(at, { symbol: code, addend: entry.orig ?? 0 });
        table.relative(at + 4, { symbol: replacement, addend: entry.repl ?? 0 });
        const view = viewOf(table.section.data);
        view.setUint16(at + 8, entry.cpuid ?? ALWAYS, true);
        view.setUint8(at + 10, entry.origLength ?? 3);
        view.setUint8(at + 11, entry.replLength ?? 2);
        view.setUint8(at + 12, entry.padLength ?? 0);
      });
      table.finish(writer);
      more?.(builder);
    },
  });
}

/** The upload, and `.text.alt` as loaded: 16 bytes after the payload's only function. */
function run(alternatives: readonly Alternative[], settings: HostSettings = {}) {
  const version = settings.release ?? '4.18.1';
  const target = bootHost(settings);
  const result = upload(target, 'p', payload(version, alternatives));
  const code = result.rc === 0 ? hex(pagesOf(target.hypervisor, loaded(target, 'p')).text.subarray(16, 24), ' ') : null;
  return { ...result, code };
}

const PLAIN = hex(Uint8Array.from(CODE), ' ');

describe('alternatives of a payload', () => {
  it.each(RELEASES.map(({ version }) => version))('are applied by %s', (release) => {
    const done = run([{ padLength: 4 }], { release });
    expect(done).toMatchObject({ rc: 0, code: '31 c0 66 66 90 66 90 cc' });
    expect(done.console.some((line) => /^alt table [0-9a-f]{16} -> [0-9a-f]{16}$/.test(line))).toBe(true);
  });

  it('depend on the features and NOPs of the processor', () => {
    const skylake = processorNamed('intel-skylake');
    expect(run([{ padLength: 4 }], { processor: skylake }).code).toBe('31 c0 0f 1f 44 00 00 cc');
    // No release ever set the bit of X86_FEATURE_PCOMMIT.
    const never = 5 * 32 + 22;
    expect(run([{ cpuid: never, padLength: 4 }], { processor: skylake }).code).toBe('0f 31 c3 0f 1f 40 00 cc');
    expect(run([{ cpuid: never, padLength: 1 }], { processor: skylake }).code).toBe(PLAIN);
  });

  it('use the word after the featureset for synthetic features, whose index differs between releases', () => {
    const processor = { ...processorNamed(), synthetic: 1 << 15 };
    // The word: NCAPINTS minus one for synthetic features and one for bugs.
    for (const [release, limit] of [
      ['4.16.0', 448],
      ['4.17.2', 640],
      ['4.18.6', 672],
      ['4.22.0', 704],
    ] as const) {
      const cpuid = limit - 64 + 15;
      expect([release, run([{ cpuid, padLength: 4 }], { release, processor }).code]).toEqual([
        release,
        '31 c0 66 66 90 66 90 cc',
      ]);
      expect(run([{ cpuid: cpuid + 1, padLength: 1 }], { release, processor }).code).toBe(PLAIN);
    }
  });
});

describe('alternatives outside the text', () => {
  it('are refused from 4.17.4 and 4.18.0 on, with address and length', () => {
    const orig = run([{ orig: 10 }]);
    expect(orig.errno).toBe('EINVAL');
    expect(orig.console.at(-1)).toMatch(
      /^livepatch: p Alternative orig [0-9a-f]{16}\+0x3 outside payload text [0-9a-f]{16}\+0x1c$/,
    );
    const repl = run([{ repl: 3 }]);
    expect(repl.errno).toBe('EINVAL');
    expect(repl.console.at(-1)).toMatch(
      /^livepatch: p Alternative repl [0-9a-f]{16}\+0x2 outside \.altinstr_replacement [0-9a-f]{16}\+0x4$/,
    );
  });

  it('are refused past the end of all text: 28 bytes here, including the replacements', () => {
    // `.text.alt` starts at 16: 16 + 9 + 3.
    expect(run([{ orig: 9 }]).rc).toBe(0);
    const fits = run([{ orig: 0, origLength: 12, replLength: 2 }]);
    expect(fits.rc).toBe(0);
    expect(run([{ orig: 0, origLength: 13, replLength: 2 }]).errno).toBe('EINVAL');
  });

  it('may extend past .text with their padding, which is not checked', () => {
    expect(run([{ origLength: 3, padLength: 200 }]).rc).toBe(0);
  });

  it('are not checked before', () => {
    for (const release of ['4.17.3', '4.16.7', '4.14.6']) expect(run([{ repl: 3 }], { release }).rc).toBe(0);
  });

  it('cause a page fault where unchecked, because the hypervisor’s text is read-only', () => {
    const target = bootHost({ release: '4.16.7' });
    const to = target.hypervisor.symbols.byName('xen_extra_version');
    const release = RELEASES.find(({ version }) => version === '4.16.7');
    const base = payload('4.16.7', [{}]);
    // A first upload shows the table's address, from which the displacement is computed.
    upload(target, 'p', base);
    const text = loaded(target, 'p').text.addr;
    const bad = payload('4.16.7', [{ orig: Number(BigInt.asIntN(32, to - (text + 16n))) }]);
    const fresh = bootHost({ release: '4.16.7' });
    const result = upload(fresh, 'p', bad);
    expect(release?.alternatives.rangeCheck).toBe(false);
    expect(result.panic).toBe('FATAL PAGE FAULT');
    expect(fresh.hypervisor.stopped?.panic).toMatchObject({ errorCode: 3, address: to });
  });
});

describe('bad entries', () => {
  const bad: readonly (readonly [string, Alternative, string, RegExp])[] = [
    [
      'longer than the original',
      { origLength: 1, replLength: 2 },
      'ENOSPC',
      /^Alt for .*, replacement size 0x2 larger than origin 0x1$/,
    ],
    [
      'of more than 254 bytes',
      { origLength: 3, padLength: 252 },
      'ENOSPC',
      /^Alt for .*, origin size 0xff bigger than buffer 0xfe$/,
    ],
    [
      'for an unknown feature',
      { cpuid: 704 },
      'ERANGE',
      /^Alt for .*, feature 0x2c0 outside of featureset range 0x2[0-9a-c]0$/,
    ],
  ];

  it.each(bad)('%s: a panic, or an errno since 4.18.4, 4.19.1 and 4.20', (_what, entry, errno, line) => {
    for (const release of ['4.11.0', '4.13.0', '4.16.7', '4.17.7', '4.18.3', '4.19.0']) {
      const { panic, rc } = run([entry], { release });
      expect([release, rc]).toEqual([release, null]);
      expect(panic).toMatch(/^Xen BUG at .*alternative\.c:/);
    }
    for (const release of ['4.18.4', '4.19.1', '4.20.0', '4.21.2', '4.22.0']) {
      const done = run([entry], { release });
      expect([release, done.errno, done.panic]).toEqual([release, errno, null]);
      const lines = done.console.filter((text) => !text.startsWith('alt table'));
      expect(lines[0]).toMatch(line);
      expect(lines[1]).toBe(`livepatch: p applying alternatives failed: ${done.rc}`);
      expect(done.findings.map(({ rule }) => rule)).toContain('bad-alternative');
    }
  });
});

describe('freed lists', () => {
  it('are read on hosts with IBT by 4.17.0-.3 and 4.18.0-.1 only', () => {
    const processor = processorNamed('intel-sapphire-rapids');
    const has = miniatureImage().linker('__initdata_cf_clobber_start') !== undefined;
    for (const [release, walks] of [
      ['4.16.7', false],
      ['4.17.0', true],
      ['4.17.3', true],
      ['4.17.4', false],
      ['4.18.0', true],
      ['4.18.1', true],
      ['4.18.2', false],
      ['4.22.0', false],
    ] as const) {
      const { panic } = run([{ padLength: 4 }], { release, processor });
      expect([release, panic]).toEqual([release, walks && has ? 'FATAL PAGE FAULT' : null]);
      expect(run([{ padLength: 4 }], { release }).panic).toBeNull();
    }
  });
});
