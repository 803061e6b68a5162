import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensure } from '../../src/base/index.ts';
import { gunzip } from '../../src/cli/gunzip.ts';
import { openSymbolTable, readConfigData, type SymbolTable, x86VmapXen } from '../../src/xen/index.ts';
import { debianXen } from '../support/debian-xen.ts';
import { bytesOf, Image, RELEASE } from './xen-syms-image.ts';

describe('Debian’s Xen 4.17', () => {
  let image: Image;
  let table: SymbolTable;
  let map: { address: bigint; type: string; name: string }[];

  beforeAll(() => {
    const { xenSyms } = debianXen();
    image = new Image(xenSyms);
    table = openSymbolTable(bytesOf(image));
    // The symbols of the final image from Xen's own build: ADDRESS TYPE NAME, names as in the table.
    const lines = readFileSync(`${xenSyms}.map`, 'latin1').trimEnd().split('\n');
    map = lines.map((line) => {
      const [address, type, name] = line.split(' ') as [string, string, string];
      return { address: BigInt(address), type, name };
    });
  });

  it('decodes to every symbol of the map', () => {
    const text = (address: bigint, type: string, name: string): string => `${address.toString(16)} ${type} ${name}`;
    const decoded = [...table.symbols()].map((s) => text(table.base + BigInt(s.offset), s.type, s.name));
    // An unstable sort orders symbols at the same address.
    expect(decoded.sort()).toEqual(map.map((s) => text(s.address, s.type, s.name)).sort());
    expect(table.count).toBe(map.length);
  });

  it('finds every name of the map at its address', () => {
    const wrong = map.filter(({ name, address }) => table.addressOf(name) !== address);
    expect(wrong).toEqual([]);
  });

  it('finds the same without the sorted names', () => {
    const { sorted: _sorted, ...rest } = bytesOf(image);
    const linear = openSymbolTable(rest);
    const sample = map.filter((_, i) => i % 50 === 0);
    expect(sample.filter(({ name, address }) => linear.addressOf(name) !== address)).toEqual([]);
  });

  it('finds the global symbols of nm', () => {
    for (const name of ['xen_extra_version', 'do_xen_version', 'livepatch_symbols_lookup_by_name', '_end']) {
      expect(table.addressOf(name)).toBe(image.address(name));
    }
    expect(table.symbolAt(image.address('xen_extra_version') + 3n)).toMatchObject({ name: 'xen_extra_version', at: 3 });
  });

  it('contains its configuration', () => {
    const size = image.view('xen_config_data_size').getUint32(0, true);
    const config = ensure(readConfigData(image.bytes('xen_config_data').subarray(0, size), gunzip), 'readable');
    const text = readFileSync(debianXen().config, 'latin1');
    const set = [...text.matchAll(/^(CONFIG_\w+)=/gm)].map((m) => m[1]);
    expect([...config].filter(([, value]) => value !== 'n').map(([name]) => name)).toEqual(set);
    expect(config.get('CONFIG_LIVEPATCH')).toBe('y');
    expect(config.get('CONFIG_NR_CPUS')).toBe('256');
  });

  it('has VMAP_XEN at the first payload of the real host', () => {
    const [end, rwdataEnd] = [image.address('_end'), image.address('__2M_rwdata_end')];
    const { start } = x86VmapXen(RELEASE, { end, rwdataEnd, nrCpus: 256, hypervGuest: false });
    expect(start + 0x9000n).toBe(0xffff_82d0_405b_0000n);
  });
});
