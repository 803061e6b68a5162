import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CPU_PRESETS } from '../../src/arch/index.ts';
import { fromHex, hex } from '../../src/base/index.ts';
import { gunzip } from '../../src/cli/gunzip.ts';
import { boot, type Hypervisor, type Image, openImage, peek } from '../../src/hypervisor/index.ts';
import { releaseByVersion } from '../../src/xen/index.ts';
import { debianXen } from '../support/debian-xen.ts';

/**
 * The simulated host after boot against the memory of a real one, read from outside of QEMU: what booting did to the hypervisor's text
 * on three processors, and the page-table entries that map it.
 */
interface LiveImage {
  readonly cpu: string;
  readonly buildId: string;
  readonly walks: Readonly<
    Record<string, { address: string; entries: { level: number; index: number; entry: string }[] }>
  >;
  /** Address, bytes of xen-syms, bytes in memory. */
  readonly textDiffers: readonly (readonly [at: string, file: string, live: string])[];
}

const recording: Record<string, LiveImage> = JSON.parse(
  readFileSync(new URL('./recordings/live-4.17.7.json', import.meta.url), 'utf8'),
);
const PRESETS: Readonly<Record<string, string>> = {
  max: 'qemu-max',
  qemu64: 'qemu64',
  'Skylake-Client': 'qemu-skylake',
};

const xen = debianXen();
const image = openImage(new Uint8Array(readFileSync(xen.xenSyms)), { gunzip });
const release = releaseByVersion(xen.version)?.release ?? expect.fail(`no release is known for ${xen.version}`);

/** Calls whose target initialisation decides: `call *pointer(%rip)` in the file. Their bytes depend on the host. */
const isIndirectCall = (bytes: string): boolean => /^ff[12]5/.test(bytes);

function bootOn(preset: string): Hypervisor {
  const processor = CPU_PRESETS[preset] ?? expect.fail(`no preset ${preset}`);
  return boot(image, { release, processor, debugBuild: false, domainsWithWaitqueue: [] });
}

/** Every byte of text that booting changed, by address. */
function changedText(host: Hypervisor, file: Image): Map<bigint, number> {
  const { textStart, textEnd } = file.core;
  const size = Number(textEnd - textStart);
  const before = file.bytes(textStart, size);
  const after = peek(host, textStart, size) ?? expect.fail('text is not mapped');
  const changed = new Map<bigint, number>();
  for (let i = 0; i < size; i++) if (before[i] !== after[i]) changed.set(textStart + BigInt(i), after[i] as number);
  return changed;
}

// On another build the recording says nothing; replay.test.ts holds there, too.
const recorded = Object.entries(recording).filter(([, { buildId }]) => buildId === xen.buildId);

describe('the hypervisor’s text after boot', () => {
  it.each(recorded)('is that of the real one on -cpu %s', (name, live) => {
    const changed = changedText(bootOn(PRESETS[name] ?? ''), image);
    const wrong: string[] = [];
    for (const [at, file, bytes] of live.textDiffers) {
      const start = BigInt(`0x${at}`);
      // A run may begin with a byte that a call and its replacement share, so the site is looked for around it.
      const before = fromHex(file) ?? new Uint8Array(0);
      const after = fromHex(bytes) ?? new Uint8Array(0);
      for (let i = 0; i < after.length; i++) {
        const address = start + BigInt(i);
        const simulated = changed.get(address) ?? before[i];
        changed.delete(address);
        if (simulated !== after[i] && !inIndirectCall(address))
          wrong.push(`${address.toString(16)}: ${simulated} ${after[i]}`);
      }
    }
    expect(wrong).toEqual([]);
    expect([...changed.keys()].map((address) => address.toString(16))).toEqual([]);
  });

  it.each(recorded)('is mapped as on the real one on -cpu %s', (name, live) => {
    const host = bootOn(PRESETS[name] ?? '');
    const FLAGS = 0x8000_0000_0000_0fffn;
    for (const place of ['.text', '.rodata', '.data']) {
      const { address, entries } = live.walks[place] ?? expect.fail(`no walk of ${place}`);
      const walk = host.machine.space.walk(BigInt(`0x${address}`));
      expect(walk.map(({ level, index }) => [level, index])).toEqual(
        entries.map(({ level, index }) => [`L${level}`, index]),
      );
      // Frames are the host's own business.
      expect(walk.map(({ entry }) => entry & FLAGS)).toEqual(entries.map(({ entry }) => BigInt(`0x${entry}`) & FLAGS));
    }
    const freed = live.walks['.init.text (freed)'] ?? expect.fail('no walk of freed memory');
    expect(host.machine.space.permissionAt(BigInt(`0x${freed.address}`))).toBe(undefined);
  });

  it('has recordings to compare with, or is another build', () => {
    expect(recorded.length === 3 || xen.buildId !== recording['max']?.buildId).toBe(true);
  });
});

function inIndirectCall(address: bigint): boolean {
  for (let back = 0; back < 6; back++) {
    if (isIndirectCall(hex(image.bytes(address - BigInt(back), 2)))) return true;
  }
  return false;
}
