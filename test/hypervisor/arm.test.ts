import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { hex, viewOf } from '../../src/base/index.ts';
import { gunzip } from '../../src/cli/gunzip.ts';
import { isProblem, readElf } from '../../src/elf/index.ts';
import { boot, type Image, openImage, SimulatedTarget } from '../../src/hypervisor/index.ts';
import { buildPayload } from '../../src/synth/payload-builder.ts';
import type { PayloadSpec } from '../../src/synth/payload-spec.ts';
import { type XenFacts, xenFacts } from '../../src/synth/xen-facts.ts';
import { crossReadelf } from '../support/cross.ts';
import { nm } from '../support/gcc.ts';
import { type SourceXen, xenFromSource } from '../support/source-xen.ts';
import { apply, bytesAt, digest, loaded, releaseNamed, revert, unload, upload } from './support.ts';

/** Differences between the two architectures. */
const KINDS = {
  arm64: {
    digits: 16,
    nop: '1f2003d5',
    cpu: 'cortex-a57',
    alias: 0x4080_0000n,
    pointer: 257,
    abort: 0x9600_0000,
    taint: 'Tainted: U     ',
  },
  arm32: {
    digits: 8,
    nop: '0000a0e1',
    cpu: 'cortex-a15',
    alias: 0x1080_0000n,
    pointer: 2,
    abort: 0x9400_0000,
    taint: 'Not tainted',
  },
} as const;

describe.each(['arm64', 'arm32'] as const)('Xen built for %s', (arch) => {
  const kind = KINDS[arch];
  let source: SourceXen;
  let image: Image;
  let xen: XenFacts;

  beforeAll(async () => {
    source = await xenFromSource(arch);
    image = openImage(readFileSync(source.xenSyms), { gunzip });
    xen = xenFacts(image, releaseNamed('4.17.5'));
  }, 1_800_000);

  const host = (options: { release?: string; debugBuild?: boolean; cpu?: string } = {}): SimulatedTarget => {
    const processor = image.arch.processors.parse(options.cpu ?? kind.cpu);
    if (typeof processor === 'string') throw new Error(processor);
    const release = releaseNamed(options.release ?? '4.17.5');
    const debugBuild = options.debugBuild ?? false;
    return new SimulatedTarget(
      boot(image, { release, processor, debugBuild, domainsWithWaitqueue: [], loglvl: 'all' }),
    );
  };
  const build = (spec: PayloadSpec = {}, release = '4.17.5'): Uint8Array =>
    buildPayload(spec, { xen: xenFacts(image, releaseNamed(release)) });
  const pointer = (address: bigint): string => address.toString(16).padStart(kind.digits, '0');

  describe('as an image', () => {
    it('describes itself', () => {
      expect([image.arch.name, image.version, image.release?.release.version]).toEqual([arch, '4.17.5', '4.17.5']);
      expect(crossReadelf(arch, readFileSync(source.xenSyms), ['-n'])).toContain(hex(image.buildId as Uint8Array));
      expect(hex(image.buildId as Uint8Array)).toBe(source.buildId);
      expect(['CONFIG_LIVEPATCH', 'CONFIG_DEBUG', 'CONFIG_HYPERV_GUEST'].map((each) => image.configured(each))).toEqual(
        [true, false, false],
      );
    });

    it('finds every function that nm lists in its own symbol table, by name and by address', () => {
      const symbols = image.symbolsFor(releaseNamed('4.17.5'));
      expect(symbols.source).toBe('embedded');
      const { textStart, textEnd } = image.core;
      let global = 0;
      for (const line of nm(readFileSync(source.xenSyms))) {
        const [digits = '', type, name = ''] = line.split(' ');
        const address = BigInt(`0x${digits || '0'}`);
        if (type !== 'T' || address < textStart || address >= textEnd) continue;
        expect(symbols.byName(name), name).toBe(address);
        expect(symbols.at(address)?.at).toBe(0);
        global++;
      }
      expect(global).toBeGreaterThan(700);
      expect(symbols.byName('livepatch.c#apply_payload')).not.toBe(0n);
      expect([...symbols.names()].filter((name) => /^\$[adxt]/.test(name))).toEqual([]);
    });

    it('has the mappings of setup_pagetables, in small pages', () => {
      const { space } = host().hypervisor.machine;
      const permission = (symbol: string) => space.permissionAt(xen.address(symbol));
      expect(permission('do_sysctl')).toEqual({ write: false, execute: true });
      expect(permission('symbols_names')).toEqual({ write: false, execute: false });
      expect(permission('__ro_after_init_start')).toEqual({ write: false, execute: false });
      expect(permission('__bss_start')).toEqual({ write: true, execute: false });
      expect(permission('__init_begin')).toBeUndefined();
      expect(space.walk(xen.address('do_sysctl')).map(({ superpage }) => superpage)).not.toContain(true);
    });

    it.each([kind.cpu, `${kind.cpu},+sb`])('is patched by its own alternatives at boot on %s', (cpu) => {
      const { hypervisor } = host({ cpu });
      const { processors } = image.arch;
      const table = image.linker('__alt_instructions') as bigint;
      const end = image.linker('__alt_instructions_end') as bigint;
      const bytes = image.bytes(table, Number(end - table));
      const view = viewOf(bytes);
      const { textStart, textEnd } = image.core;
      const changed = new Set<number>();
      for (let at = 0; at < bytes.length; at += 12) {
        const entry = table + BigInt(at);
        const orig = entry + BigInt(view.getInt32(at, true));
        const feature = view.getUint16(at + 8, true);
        const length = view.getUint8(at + 10);
        // Callbacks, and code in freed memory.
        if (orig < textStart || orig >= textEnd || feature >= 18) continue;
        const same = hex(hypervisor.machine.space.read(orig, length)) === hex(image.bytes(orig, length));
        if (!same) changed.add(feature);
        if (!processors.hasFeature(hypervisor.options.processor, feature, 18)) expect(same).toBe(true);
      }
      // A Cortex-A57 has errata that arm64 has alternatives for; `sb` replaces dsb and isb on both.
      const expected = [...(arch === 'arm64' ? [1, 3, 9] : []), ...(cpu.includes('+sb') ? [16] : [])];
      expect([...changed].sort((one, other) => one - other)).toEqual(expected);
    });
  });

  describe('accepts a payload', () => {
    it('that replaces a function, and restores it', () => {
      const target = host();
      const before = digest(target);
      const address = xen.address('xen_extra_version');
      const original = hex(bytesAt(target, address, 8));
      expect(upload(target, 'a', build({ functions: [{ newSize: 12 }] }))).toMatchObject({ rc: 0, findings: [] });
      const placed = digest(target);
      const payload = loaded(target, 'a');
      expect([payload.text.addr, payload.ro.addr]).toEqual([0xa0_2000n, 0xa0_3000n]);

      expect(apply(target, 'a')).toMatchObject({
        rc: 0,
        findings: [],
        console: [
          'livepatch: a: Verifying enabled expectations for all functions',
          'livepatch: a: Applying 1 functions',
          'livepatch: a finished APPLY with rc=0',
        ],
      });
      const jump = image.arch.encodeJump(address, 0xa0_2000n);
      expect(hex(bytesAt(target, address, 8))).toBe(hex(jump) + original.slice(8));
      const patched = kind.alias + address - 0x20_0000n;
      expect(target.takeCacheMaintenance()).toEqual([
        { kind: 'clean-invalidate-dcache', address: 0xa0_2000n, length: 12 },
        { kind: 'clean-invalidate-dcache', address: patched, length: 4 },
        { kind: 'invalidate-icache' },
      ]);
      // The writable mapping has been removed.
      expect(target.hypervisor.textAlias).toBeNull();
      expect(target.hypervisor.machine.space.permissionAt(patched)).toBeUndefined();

      expect(revert(target, 'a')).toMatchObject({ rc: 0, findings: [] });
      expect(digest(target)).toBe(placed);
      expect(apply(target, 'a').rc).toBe(0);
      expect(revert(target, 'a').rc).toBe(0);
      expect(unload(target, 'a')).toMatchObject({ rc: 0, findings: [] });
      expect(digest(target)).toBe(before);
    });

    it('of NOPs, up to the buffer’s size, even past the end of the function', () => {
      const target = host();
      const address = xen.address('xen_minor_version');
      const functions = [{ name: 'xen_minor_version', new: null, newSize: 28, oldSize: 4 }];
      expect(upload(target, 'nop', build({ functions })).rc).toBe(0);
      expect(apply(target, 'nop').rc).toBe(0);
      expect(hex(bytesAt(target, address, 28))).toBe(kind.nop.repeat(7));
      expect(revert(target, 'nop').rc).toBe(0);
      expect(hex(bytesAt(target, address, 28))).toBe(hex(image.bytes(address, 28)));
    });

    it.each([
      [30, 'EOPNOTSUPP', 'nop-length'],
      [32, 'EOPNOTSUPP', 'nop-length'],
    ])('but not one of %i bytes of NOPs', (newSize, errno, rule) => {
      const functions = [{ new: null, newSize, oldSize: 64 }];
      const outcome = upload(host(), 'nop', build({ functions }));
      expect(outcome).toMatchObject({ errno, console: [] });
      expect(outcome.findings.map((finding) => finding.rule)).toEqual([rule]);
    });

    it('where VMAP_XEN has room, and past its end as well', () => {
      const target = host();
      const big = (name: string): PayloadSpec => ({
        sections: [{ name: '.bss.big', flags: 'AW', type: 'nobits', size: 0x18_0000 }],
        modinfo: `${name}\0`,
      });
      expect(upload(target, 'a', build(big('a')))).toMatchObject({ rc: 0, findings: [] });
      expect(upload(target, 'b', build(big('b')))).toMatchObject({ rc: 0, findings: [{ rule: 'vmap-overrun' }] });
      const { pages } = loaded(target, 'a');
      expect(loaded(target, 'b').text.addr).toBe(0xa0_2000n + BigInt((pages + 1) * 4096));
      // LIVEPATCH_VMAP ends at c00000.
      expect(loaded(target, 'b').text.addr + BigInt(pages * 4096)).toBeGreaterThan(0xc0_0000n);
    });

    it.each(['4.14.6', '4.16.7', '4.18.1', '4.19.0', '4.22.0'])(
      'under the rules of %s, whose layout may differ',
      (release) => {
        const target = host({ release });
        const funcsFlags = releaseNamed(release).stateInPayload ? 'AW' : 'A';
        expect(upload(target, 'a', build({ funcsFlags }, release)).rc).toBe(0);
        expect(apply(target, 'a').rc).toBe(0);
        expect(revert(target, 'a').rc).toBe(0);
        // arm64's image states its address; arm32 has two layouts with the same image address.
        const late = arch === 'arm32' && !/^4\.1[1-7]/.test(release);
        expect(loaded(target, 'a').text.addr).toBe(late ? 0x100_2000n : 0xa0_2000n);
      },
    );

    it('and prints its addresses with all their digits', async () => {
      const target = host();
      upload(target, 'a', build());
      target.hypervisor.machine.console.take();
      await target.dump();
      const lines = await target.takeConsole();
      expect(lines.join('\n')).toContain(
        ` name=a state=CHECKED(1) ${pointer(0xa0_2000n)} (.data=${pointer(0xa0_3000n)}, .rodata=${pointer(0xa0_3000n)})`,
      );
      const old = pointer(xen.address('xen_extra_version'));
      expect(lines.join('\n')).toContain(`xen_extra_version patch ${old}(${xen.size('xen_extra_version')}) with`);
    });
  });

  describe('dies', () => {
    const screenOf = (target: SimulatedTarget): string => (target.hypervisor.stopped?.panic?.screen ?? []).join('\n');

    it('of a payload that patches another one: the write is outside the second mapping', () => {
      const target = host();
      upload(target, 'below', build());
      apply(target, 'below');
      const functions = [{ name: 'lp_new_fn', old: { hex: 'a02000' }, new: 'other', oldSize: 8 }];
      const above = build({
        code: [{ symbol: 'other', returns: 'x' }],
        functions,
        depends: hex(loaded(target, 'below').buildId),
      });
      expect(upload(target, 'above', above)).toMatchObject({ rc: 0 });
      const outcome = apply(target, 'above');
      expect(outcome.panic).toBe('CPU0: Unexpected Trap: Data Abort');
      const address = kind.alias + 0xa0_2000n - 0x20_0000n;
      expect(target.hypervisor.stopped?.panic).toMatchObject({ address, errorCode: kind.abort + 0x46 });
      const screen = screenOf(target);
      expect(screen).toContain('Data Abort Trap. Syndrome=0x46');
      expect(screen).toContain(`Walking Hypervisor VA 0x${address.toString(16)} on CPU0 via TTBR 0x`);
      expect(screen).toContain(`----[ Xen-4.17.5  ${arch}  debug=n  ${kind.taint} ]----`);
      expect(screen).toMatch(/Panic on CPU 0:\n(\(XEN\) )?CPU0: Unexpected Trap: Data Abort\n/);
    });

    it('of read-only functions under a release that keeps its state there', () => {
      const target = host({ release: '4.17.2' });
      expect(upload(target, 'a', build({}, '4.17.2')).rc).toBe(0);
      expect(apply(target, 'a').panic).toBe('CPU0: Unexpected Trap: Data Abort');
      // After `version`: the saved instructions.
      const { addr } = { addr: 0xa0_3000n };
      const opaque = addr + (arch === 'arm64' ? 33n : 21n);
      expect(target.hypervisor.stopped?.panic).toMatchObject({ address: opaque, errorCode: kind.abort + 0x4f });
    });

    it('of a function that is no longer mapped', () => {
      const target = host();
      const functions = [{ old: { addr: '__init_begin', plus: 0 }, oldSize: 8 }];
      expect(upload(target, 'a', build({ functions })).rc).toBe(0);
      expect(apply(target, 'a').panic).toBe('CPU0: Unexpected Trap: Data Abort');
      expect(target.hypervisor.stopped?.panic?.address).toBe(xen.address('__init_begin'));
    });

    it('of cleaning the cache for new_size bytes that are not mapped', () => {
      const target = host();
      expect(upload(target, 'a', build({ functions: [{ newSize: 0x10_0000 }] })).rc).toBe(0);
      expect(apply(target, 'a').panic).toBe('CPU0: Unexpected Trap: Data Abort');
      expect(target.hypervisor.stopped?.panic?.errorCode).toBe(kind.abort + 0x147);
    });

    it('of an alternative that branches to the payload itself', () => {
      const target = host();
      // b to the start of .text, which precedes it.
      const branch = arch === 'arm64' ? 'ffffff17' : 'fdffffea';
      const outcome = upload(target, 'a', build(alternative(4, branch)));
      expect(outcome.panic).toMatch(/^Xen BUG at arch\/arm\/alternative\.c:\d+$/);
      expect(outcome.console.join('\n')).toContain('alternatives: Patching with alt table');
    });

    it('of an alternative with two lengths, in another line of the same file', () => {
      const spec = alternative(4, kind.nop, 8);
      const first = upload(host(), 'a', build(spec)).panic ?? '';
      const second = upload(host(), 'a', build(alternative(4, arch === 'arm64' ? 'ffffff17' : 'fdffffea'))).panic ?? '';
      const line = (text: string) => Number(/:(\d+)$/.exec(text)?.[1]);
      expect(line(first)).toBeGreaterThan(line(second));
    });
  });

  /** A payload with one alternative of its first instruction. */
  function alternative(feature: number, replacement: string, origLength = replacement.length / 2): PayloadSpec {
    const relative = arch === 'arm64' ? 261 : 3;
    const lengths = [feature & 0xff, feature >> 8, origLength, replacement.length / 2];
    return {
      sections: [
        { name: '.altinstr_replacement', flags: 'AX', hex: replacement, align: 4 },
        {
          name: '.altinstructions',
          flags: 'A',
          hex: `${'00'.repeat(8)}${lengths.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`,
          align: 4,
          fields: [
            { at: 0, symbol: 'lp_new_fn', type: relative },
            { at: 4, symbol: '.altinstr_replacement', type: relative },
          ],
        },
      ],
    };
  }

  it('applies a payload’s alternatives and cleans the caches', () => {
    const target = host();
    const replacement = kind.nop;
    expect(upload(target, 'a', build(alternative(4, replacement))).rc).toBe(0);
    expect(hex(bytesAt(target, 0xa0_2000n, 4))).toBe(replacement);
    expect(target.takeCacheMaintenance()).toEqual([
      { kind: 'clean-invalidate-dcache', address: 0xa0_2000n, length: 4 },
      { kind: 'invalidate-icache' },
    ]);
    // Without the capability nothing is written.
    const other = host();
    expect(upload(other, 'a', build(alternative(7, replacement))).rc).toBe(0);
    expect(hex(bytesAt(other, 0xa0_2000n, 4))).not.toBe(replacement);
  });

  describe('refuses', () => {
    const rules = (outcome: ReturnType<typeof upload>) => outcome.findings.map(({ rule }) => rule);

    it('exception tables, and since 4.21 alternative calls', () => {
      const table = (name: string): PayloadSpec => ({ sections: [{ name, flags: 'A', hex: '00'.repeat(8) }] });
      expect(upload(host(), 'a', build(table('.ex_table')))).toMatchObject({
        errno: 'EOPNOTSUPP',
        console: ["livepatch: a: We don't support .ex_table"],
      });
      expect(upload(host(), 'a', build(table('.alt_call_sites'))).rc).toBe(0);
      const pointers = { at: 0, symbol: 'lp_new_fn', type: kind.pointer };
      const hook = { name: '.livepatch.hooks.load', flags: 'A', size: kind.digits / 2, fields: [pointers] };
      const late = { ...table('.alt_call_sites'), functions: [] };
      const spec = { ...late, sections: [hook, ...(late.sections ?? [])] };
      expect(upload(host({ release: '4.21.0' }), 'a', build(spec, '4.21.0'))).toMatchObject({
        errno: 'EOPNOTSUPP',
        console: ['livepatch: a: Alternative calls not supported'],
      });
    });

    it('payloads of other machines', () => {
      const file = build();
      file[18] = 62;
      expect(upload(host(), 'a', file)).toMatchObject({
        errno: 'EOPNOTSUPP',
        console: ['livepatch: a: Unsupported ELF Machine type'],
      });
    });

    it('bug frames of an odd size, as many kinds as the release has', () => {
      const frames = (n: number): PayloadSpec => ({
        sections: [{ name: `.bug_frames.${n}`, flags: 'A', hex: '00'.repeat(8) }],
      });
      const line = `livepatch: a: Wrong size 8 of .bug_frames.3 (must be multiple of 16)`;
      expect(upload(host(), 'a', build(frames(3)))).toMatchObject({ errno: 'EINVAL', console: [line] });
      expect(upload(host({ release: '4.14.0' }), 'a', build({ ...frames(3), funcsFlags: 'AW' }, '4.14.0')).rc).toBe(0);
    });

    it('a function out of reach', () => {
      const old = arch === 'arm64' ? '10000000' : '4000000';
      const outcome = upload(host(), 'a', build({ functions: [{ old: { hex: old }, oldSize: 8 }] }));
      expect(rules(outcome)).toEqual(['function-out-of-range']);
      expect(outcome.errno).toBe('EOVERFLOW');
    });

    it('a relocation type without a row, in the architecture’s words', () => {
      const field = { at: 0, symbol: 'lp_new_fn', type: 1 };
      const spec: PayloadSpec = { sections: [{ name: '.rodata.x', flags: 'A', size: 8, fields: [field] }] };
      const words = { arm64: 'Unhandled relocation 1', arm32: 'Unhandled relocation #0x1' };
      expect(upload(host(), 'a', build(spec))).toMatchObject({
        errno: 'EOPNOTSUPP',
        console: [`livepatch: a: ${words[arch].replace('#0x1', '#1')}`],
      });
    });
  });

  it('reads ELF files of its machine like readelf', () => {
    const file = build();
    const elf = readElf(file);
    if (isProblem(elf) || isProblem(elf)) throw new Error('no ELF');
    const listed = crossReadelf(arch, file, ['-SW']).match(/^ +\[ *\d+\] (\S*) /gm) ?? [];
    expect(elf.sections.length).toBe(listed.length);
    expect(crossReadelf(arch, file, ['-h'])).toContain(arch === 'arm64' ? 'AArch64' : 'Version5 EABI');
  });
});
