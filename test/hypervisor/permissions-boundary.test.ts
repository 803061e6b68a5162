import { describe, expect, it } from 'vitest';
import { SHF_ALLOC, SHT_NOBITS } from '../../src/elf/index.ts';
import type { SimulatedTarget } from '../../src/hypervisor/index.ts';
import type { PayloadBuilder } from '../support/elf-builder.ts';
import {
  among,
  COMPILE_DATE,
  EXTRA_VERSION,
  hostWith,
  id,
  memory,
  patch,
  payloadFor,
  WRITABLE,
} from './state-support.ts';
import { apply, loaded, revert, upload } from './support.ts';

/**
 * modify_xen_mappings_lite goes on in the first table where a range crosses a 2 MiB boundary (facts 6.1). With the miniature image, whose
 * sections are 4 KiB aligned, VMAP_XEN starts in the image's own 2 MiB from 4.17 on, and at the next boundary before.
 */
const BROKEN = ['4.16.4-4.16.7', '4.17.1-4.17.3', '4.18.0'];
const VERSIONS = [
  ...['4.14.0', '4.16.3', '4.16.4', '4.16.7', '4.17.0', '4.17.1', '4.17.2'],
  ...['4.17.3', '4.17.4', '4.18.0', '4.18.1', '4.18.2', '4.22.0'],
];

const PAGE = 4096;
/** Pages of text before and after the boundary. */
const BEFORE = 2;
const BEHIND = 12;
/** Pages from the region's start to the first payload, and between two payloads. */
const FIRST = 9;
const GUARD = 1;

/** `_end` rounded up to 2 MiB, or `__2M_rwdata_end`: by branch, as `readelf` shows the symbols of the image. */
const vmapStart = (release: string): bigint =>
  among(release, ['4.14.0-4.16.7']) ? 0xffff82d040400000n : 0xffff82d04020f000n;

/** A host on which a payload's text crosses the boundary, because a filler takes the pages before it. */
function across(release: string): { readonly target: SimulatedTarget; readonly boundary: bigint } {
  const start = vmapStart(release);
  const boundary = (start & ~0x1f_ffffn) + 0x20_0000n;
  const pages = Number((boundary - start) / BigInt(PAGE)) - FIRST - GUARD - BEFORE;
  const filler = {
    buildId: id(0xf1),
    functions: [patch(COMPILE_DATE)],
    // .bss is the only writable section, since .livepatch.funcs is read-only.
    funcsFlags: SHF_ALLOC,
    more: (builder: PayloadBuilder) => {
      // One page of text, one of read-only memory.
      builder.writer.section('.bss', { type: SHT_NOBITS, flags: WRITABLE, size: (pages - 2) * PAGE, addralign: 8 });
    },
  };
  const text = new Uint8Array((BEFORE + BEHIND) * PAGE).fill(0x90);
  const a = { buildId: id(0xa1), functions: [patch(EXTRA_VERSION, { code: text })] };
  const target = hostWith({ filler: filler, a }, { release });
  expect(loaded(target, 'a').text.addr).toBe(boundary - BigInt(BEFORE * PAGE));
  return { target, boundary };
}

const permission = (target: SimulatedTarget, address: bigint) => {
  const found = target.hypervisor.machine.space.permissionAt(address);
  return found === undefined ? undefined : `${found.write ? 'w' : '-'}${found.execute ? 'x' : '-'}`;
};

describe('a payload whose text crosses a 2 MiB boundary', () => {
  it.each(VERSIONS)('%s: functions after the boundary', (release) => {
    const { target, boundary } = across(release);
    expect(apply(target, 'a').panic).toBe(null);
    const old = boundary + 0x40n;
    const spec = { buildId: id(0xb2), depends: id(0xa1), functions: [{ name: null, oldAddr: old, oldSize: 16 }] };
    expect(upload(target, 'b', payloadFor({ release, ...spec })).rc).toBe(0);
    const { panic } = apply(target, 'b');
    if (among(release, BROKEN)) {
      expect(panic).toBe('FATAL PAGE FAULT');
      expect(target.hypervisor.stopped?.panic).toMatchObject({ errorCode: 3, address: old });
    } else {
      expect(panic).toBe(null);
      expect(memory(target, old, 1)).toBe('e9');
    }
  });

  it.each(VERSIONS)('%s: pages at the start of the same 2 MiB', (release) => {
    const { target, boundary } = across(release);
    apply(target, 'a');
    // It is registered now, so the next window edits its pages.
    expect(revert(target, 'a').panic).toBe(null);
    const broken = among(release, BROKEN);
    const window = boundary - 0x20_0000n;
    if (vmapStart(release) === window) {
      // Page 9 is the filler's text, pages 10 and 11 are its .bss; the pages before were empty.
      expect(permission(target, window + 9n * 4096n)).toBe('-x');
      expect(permission(target, window + 10n * 4096n)).toBe(broken ? '-x' : 'w-');
      expect(permission(target, window + 11n * 4096n)).toBe(broken ? '-x' : 'w-');
      expect(permission(target, window + 12n * 4096n)).toBe('w-');
      expect(permission(target, window)).toBe(broken ? '-x' : undefined);
    } else {
      // The hypervisor's own: text, two pages of rodata, two of freed init memory, data.
      expect(permission(target, window)).toBe('-x');
      expect(permission(target, window + 1n * 4096n)).toBe(broken ? '-x' : '--');
      expect(permission(target, window + 3n * 4096n)).toBe(broken ? '-x' : undefined);
      expect(permission(target, window + 5n * 4096n)).toBe(broken ? '-x' : 'w-');
      expect(permission(target, window + 12n * 4096n)).toBe('w-');
    }
    // The pages after the boundary are unchanged.
    expect(permission(target, boundary)).toBe('-x');
  });
});
