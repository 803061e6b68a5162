import { beforeAll, describe, expect, it } from 'vitest';
import { gunzip } from '../../src/cli/gunzip.ts';
import { SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_NOBITS } from '../../src/elf/index.ts';
import { type Image, openImage } from '../../src/hypervisor/index.ts';
import type { PayloadBuilder } from '../support/elf-builder.ts';
import { exampleBytes } from '../support/examples.ts';
import { objcopy } from '../support/gcc.ts';
import {
  ALL_RELEASES,
  among,
  EXTRA_VERSION,
  hostWith,
  id,
  patch,
  payloadFor,
  type StatePayload,
  WRITABLE,
} from './state-support.ts';
import { apply, bootHost, loaded, processorNamed, replace, revert, unload, upload } from './support.ts';

const A: StatePayload = { buildId: id(0xa1), functions: [patch(EXTRA_VERSION)] };

describe('a payload of version 1', () => {
  it.each(ALL_RELEASES)('%s', (release) => {
    const target = bootHost({ release });
    const old = among(release, ['4.11.0-4.13.5']);
    const { errno } = upload(target, 'a', payloadFor({ ...A, release: '4.13.5' }));
    // Later releases refuse the size first: 64 bytes are not a multiple of 104.
    expect(errno).toBe(old ? null : 'EINVAL');
    const console = [`livepatch: b: Wrong size 64 of .livepatch.funcs (must be multiple of 104)`];
    expect(upload(target, 'b', payloadFor({ ...A, release: '4.13.5', buildId: id(2) })).console).toEqual(
      old ? [] : console,
    );
    if (old) {
      expect(apply(target, 'a').rc).toBe(0);
      expect(revert(target, 'a').rc).toBe(0);
      expect(unload(target, 'a').rc).toBe(0);
    }
  });

  it.each(ALL_RELEASES)('%s: and one of version 2', (release) => {
    const { errno } = upload(bootHost({ release }), 'a', payloadFor({ ...A, release: '4.22.0' }));
    expect(errno).toBe(among(release, ['4.11.0-4.13.5']) ? 'EINVAL' : null);
  });
});

describe('the build-id sections', () => {
  const without = (spec: StatePayload, release: string) => {
    const { errno, console } = upload(
      bootHost({ release, loglvl: 'all' }),
      'a',
      payloadFor({ ...A, ...spec, release }),
    );
    return { errno, line: console[0] };
  };

  it.each(ALL_RELEASES)('%s', (release) => {
    const silent = among(release, ['4.11.0-4.12.4']);
    const early = among(release, ['4.18.4-4.18.6', '4.19.1-4.22.0']);
    const missing = (section: string) => ({
      errno: 'EINVAL',
      line: silent ? undefined : `livepatch: a: ${section} is missing`,
    });
    expect(without({ buildId: null }, release)).toEqual(missing('.note.gnu.build-id'));
    expect(without({ depends: null }, release)).toEqual(missing('.livepatch.depends'));
    const xen = without({ xenDepends: null }, release);
    const other = without({ xenDepends: id(0xee) }, release);
    if (among(release, ['4.11.0-4.13.5'])) {
      expect(xen.errno).toBe(null);
      expect(other.errno).toBe(null);
    } else {
      expect(xen).toEqual(missing(early ? 'section .livepatch.xen_depends' : '.livepatch.xen_depends'));
      const line = early
        ? 'livepatch: a: build-id mismatch:'
        : 'livepatch: a: check against hypervisor build-id failed';
      expect(other).toEqual({ errno: 'EINVAL', line });
    }
    // The dependency on the stack is checked at apply.
    const target = hostWith({ a: { ...A, depends: id(0xee) } }, { release, loglvl: 'all' });
    expect(apply(target, 'a').errno).toBe('EINVAL');
  });
});

describe('.livepatch.funcs', () => {
  it.each(ALL_RELEASES)('%s: hooks alone', (release) => {
    const { errno, console } = upload(
      bootHost({ release }),
      'a',
      payloadFor({ release, functions: [], hooks: { load: 1 } }),
    );
    const required = among(release, ['4.11.0-4.13.5']);
    expect(errno).toBe(required ? 'EINVAL' : null);
    if (release === '4.13.5') expect(console).toEqual(['livepatch: a: .livepatch.funcs is missing']);
  });
});

describe('applying again after a revert', () => {
  const again = (release: string, spec: StatePayload): number | null => {
    const target = hostWith({ a: { ...A, ...spec } }, { release, applied: ['a'], loglvl: 'all' });
    revert(target, 'a');
    return apply(target, 'a').rc;
  };
  const section = (name: string, flags: number, size: number) => (builder: PayloadBuilder) => {
    builder.writer.section(name, { flags, data: new Uint8Array(size) });
  };

  it.each(ALL_RELEASES)(
    '%s',
    (release) => {
      expect(again(release, { funcsFlags: WRITABLE }), 'writable funcs alone').toBe(0);
      expect(again(release, { data: 8 }), '.data besides').toBe(-22);
      const bss = (builder: PayloadBuilder) => {
        builder.writer.section('.bss', { type: SHT_NOBITS, flags: WRITABLE, size: 8 });
      };
      expect(again(release, { more: bss }), '.bss besides').toBe(-22);
      expect(again(release, { more: section('.data', WRITABLE, 0) }), 'an empty .data').toBe(0);
      expect(again(release, { more: section('.data', SHF_WRITE, 8) }), 'a .data that is not loaded').toBe(0);
      expect(
        again(release, { more: section('.livepatch.hooks.preapply', WRITABLE, 8) }),
        'hooks in writable memory',
      ).toBe(-22);
      // REPLACE does not check.
      const target = hostWith({ a: { ...A, data: 8 } }, { release, applied: ['a'] });
      revert(target, 'a');
      expect(replace(target, 'a').rc).toBe(0);
    },
    10_000,
  );

  it.each(['4.17.7', '4.18.1', '4.22.0', '4.16.3'])('%s: read-only funcs and one other section', (release) => {
    expect(again(release, { funcsFlags: SHF_ALLOC }), 'nothing writable').toBe(0);
    expect(again(release, { funcsFlags: SHF_ALLOC, data: 8 }), '.data alone').toBe(-22);
  });
});

describe('sections without bytes', () => {
  /** Since 0dc1f929e8 they are placed; before, they were not, and their symbols kept the file's value. */
  const PLACED = ['4.14.5-4.14.6', '4.15.3-4.15.7', '4.16.1-4.22.0'];
  const empty: StatePayload = {
    ...A,
    more: (builder) => {
      const none = builder.writer.section('.altinstr_replacement', { flags: SHF_ALLOC | SHF_EXECINSTR });
      const symbol = builder.writer.symbol('nothing', { section: none });
      const table = builder.writer.section('.rodata.table', {
        flags: SHF_ALLOC,
        data: new Uint8Array(4),
        addralign: 4,
      });
      builder.writer.relocations(table, [{ offset: 0, type: 2, symbol, addend: 0n }]);
    },
  };

  it.each(ALL_RELEASES)('%s', (release) => {
    const { errno, console } = upload(bootHost({ release, loglvl: 'all' }), 'a', payloadFor({ ...empty, release }));
    if (among(release, PLACED)) {
      expect(errno).toBe(null);
      return;
    }
    // The distance from 0 to the payload exceeds 2 GiB.
    expect(errno).toBe('EOVERFLOW');
    const line = 'livepatch: a: Overflow in relocation 0 in .rela.rodata.table for .rodata.table';
    expect(console).toEqual(among(release, ['4.11.0-4.12.4']) ? [] : [line]);
  });
});

describe('symbols of sections that are not loaded', () => {
  const IGNORED = ['4.14.5-4.14.6', '4.15.3-4.15.7', '4.16.1-4.22.0'];
  const comment: StatePayload = {
    ...A,
    more: (builder) => {
      const section = builder.writer.section('.comment', { data: new Uint8Array(8) });
      const target = builder.writer.section('.rodata.x', { flags: SHF_ALLOC, data: new Uint8Array(16), addralign: 8 });
      const symbol = builder.writer.symbol('comment', { section, value: 0x1234n });
      builder.writer.relocations(target, [{ offset: 0, type: 1, symbol, addend: 1n }]);
    },
  };

  it.each(ALL_RELEASES)('%s', (release) => {
    const target = bootHost({ release });
    const { errno, console } = upload(target, 'a', payloadFor({ ...comment, release }));
    expect(errno).toBe(among(release, IGNORED) ? 'EINVAL' : null);
    if (errno !== null) {
      expect(console).toEqual(['livepatch: a: Relocation against ignored symbol comment cannot be resolved']);
    } else {
      // The relocation uses the value in the file.
      const { addr, size } = loaded(target, 'a').ro;
      const ro = Buffer.from(target.hypervisor.machine.space.read(addr, size)).toString('hex');
      expect(ro).toContain('3512000000000000');
    }
  });
});

describe('regions', () => {
  /** a57b4074ab. */
  const AT_LOAD = ['4.17.4-4.17.7', '4.18.1-4.22.0'];

  it.each(ALL_RELEASES)('%s: the payload is registered while loaded, or while applied', (release) => {
    const target = hostWith({}, { release });
    const regions = () => target.hypervisor.regions.map(({ name }) => name);
    expect(regions()).toEqual(['xen']);
    upload(target, 'a', payloadFor({ ...A, release }));
    expect(regions()).toEqual(among(release, AT_LOAD) ? ['xen', 'a'] : ['xen']);
    apply(target, 'a');
    expect(regions()).toEqual(['xen', 'a']);
    revert(target, 'a');
    expect(regions()).toEqual(among(release, AT_LOAD) ? ['xen', 'a'] : ['xen']);
    unload(target, 'a');
    expect(regions()).toEqual(['xen']);
  });
});

describe('alternatives on a host with IBT', () => {
  /** Fixed by 4be1fef1e6. */
  const DYING = ['4.17.0-4.17.3', '4.18.0', '4.18.1'];
  const LIST = 0xffff82d040204000n;
  const ibt = processorNamed('intel-sapphire-rapids');

  /** The miniature image with a list of functions to seal, in memory that is freed after boot. */
  let image: Image;
  beforeAll(() => {
    const symbols = ['start=.init.data:0', 'end=.init.data:8'].map(
      (text) => `--add-symbol=__initdata_cf_clobber_${text},global`,
    );
    image = openImage(objcopy(exampleBytes('miniature-xen'), symbols), { gunzip });
  });

  const withAlternative = (release: string): Uint8Array =>
    payloadFor({
      ...A,
      release,
      depends: image.buildId,
      xenDepends: image.buildId,
      more: (builder) => {
        const original = builder.code('.text.alt', 'has_alternative', new Uint8Array(16).fill(0x90));
        const replacement = builder.code('.altinstr_replacement', 'replacement', Uint8Array.of(0x66, 0x90));
        const entry = builder.fields('.altinstructions', 14, SHF_ALLOC, 1);
        entry.relative(0, { symbol: original }).relative(4, { symbol: replacement });
        entry.view.setUint16(8, 93, true);
        entry.view.setUint8(10, 2);
        entry.view.setUint8(11, 2);
        entry.finish(builder.writer);
      },
    });

  it.each(ALL_RELEASES)('%s', (release) => {
    const target = bootHost({ release, image, processor: ibt });
    const { panic, errno } = upload(target, 'a', withAlternative(release));
    expect(errno).toBe(null);
    expect(panic).toBe(among(release, DYING) ? 'FATAL PAGE FAULT' : null);
    if (panic !== null) expect(target.hypervisor.stopped?.panic).toMatchObject({ errorCode: 0, address: LIST });
  });

  it.each(DYING.map((range) => range.split('-')[0] as string))(
    '%s accepts a payload without alternatives, and any payload on another host',
    (release) => {
      expect(upload(bootHost({ release, image, processor: ibt }), 'a', payloadFor({ ...A, release })).rc).toBe(0);
      expect(upload(bootHost({ release, image }), 'a', withAlternative(release)).rc).toBe(0);
    },
  );
});
