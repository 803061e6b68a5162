import { execFileSync } from 'node:child_process';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { hex } from '../../src/base/index.ts';
import { gunzip } from '../../src/cli/gunzip.ts';
import { loadEmulator } from '../../src/emulator/index.ts';
import { openImage } from '../../src/hypervisor/index.ts';
import { openSimulation } from '../../src/run/index.ts';
import { exampleBytes, examplePath, examplesOf } from '../support/examples.ts';
import { buildId, disassembly, sections, symbols } from './binutils.ts';

const openCpu = await loadEmulator();

const PAGE = 4096n;
const pageUp = (address: bigint): bigint => ((address + PAGE - 1n) / PAGE) * PAGE;

/** What differs between the two. */
const KINDS = {
  arm64: {
    start: 0x200_0020_0000n,
    machine: 'AArch64',
    trap: 0xd420_0020,
    major: /mov\s+w0, #0x4 .*\n.*ret/,
    minor: /mov\s+w0, #0x12 .*\n.*ret/,
    last: 0xd65f_03c0,
  },
  arm32: {
    start: 0x20_0000n,
    machine: 'ARM',
    trap: 0xe7f0_00f0,
    major: /mov\s+r0, #4\n.*bx\s+lr/,
    minor: /mov\s+r0, #18\n.*bx\s+lr/,
    last: 0xe12f_ff1e,
  },
} as const;

describe.each(['arm64', 'arm32'] as const)('the miniature hypervisor of %s', (arch) => {
  const kind = KINDS[arch];
  const example = examplesOf(arch).image;
  const path = examplePath(example.name);
  const bytes = exampleBytes(example.name);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const table = sections(path);
  const names = symbols(path);

  function symbol(name: string): (typeof names)[number] {
    const [found, ...more] = names.filter(({ qualified }) => qualified === name);
    if (!found || more.length > 0) throw new Error(`${name}: ${found ? 'not unique' : 'missing'}`);
    return found;
  }
  const at = (name: string): bigint => symbol(name).value;

  /** Where an address's contents are in the file. */
  function offsetOf(address: bigint): number {
    const home = table.find(
      (s) => s.flags.includes('A') && address >= s.address && address < s.address + BigInt(s.size),
    );
    if (!home || home.type === 'NOBITS') throw new Error(`nothing in the file at ${address.toString(16)}`);
    return home.offset + Number(address - home.address);
  }
  const wordAt = (address: bigint): number => view.getUint32(offsetOf(address), true);
  function text(address: bigint): string {
    const start = offsetOf(address);
    return Buffer.from(bytes.subarray(start, bytes.indexOf(0, start))).toString('latin1');
  }

  it('is an executable at the address of Xen 4.18', () => {
    const header = execFileSync('readelf', ['-hlW', path], { encoding: 'latin1' });
    expect(header).toMatch(/Type: +EXEC/);
    expect(header).toMatch(new RegExp(`Machine: +${kind.machine}\n`));
    expect(at('_start')).toBe(kind.start);
    expect(at('start')).toBe(kind.start);
  });

  it('has its regions page by page in the order of Xen', () => {
    expect(at('_stext')).toBe(at('_start'));
    expect(at('_srodata')).toBe(pageUp(at('_etext')));
    expect(at('__ro_after_init_start')).toBe(pageUp(at('_erodata')));
    const edges = ['_start', '_srodata', '__ro_after_init_start', '__ro_after_init_end', '__init_begin', '__init_end'];
    const addresses = edges.map(at);
    expect(addresses.filter((address) => address % PAGE !== 0n)).toEqual([]);
    expect(addresses).toEqual([...new Set(addresses)].sort((a, b) => (a < b ? -1 : 1)));
    const pointer = at('arch/arm/domain.c#pm_idle');
    expect(pointer >= at('__ro_after_init_start') && pointer < at('__ro_after_init_end')).toBe(true);
    expect(at('__bss_end')).toBe(at('_end'));
  });

  it('says which release it is', () => {
    expect(disassembly(path, 'xen_major_version')).toMatch(kind.major);
    expect(disassembly(path, 'xen_minor_version')).toMatch(kind.minor);
    expect(example.release).toBe('4.18.1');
  });

  it('names its build-id', () => {
    expect(buildId(path)).toMatch(/^[0-9a-f]{40}$/);
    expect(buildId(path)).toBe(example.buildId);
    expect(at('__note_gnu_build_id_end') - at('__note_gnu_build_id_start')).toBe(36n);
  });

  it('carries its configuration', () => {
    const size = wordAt(at('xen_config_data_size'));
    expect(size).toBe(symbol('xen_config_data').size);
    const start = offsetOf(at('xen_config_data'));
    const lines = gunzipSync(bytes.subarray(start, start + size))
      .toString('latin1')
      .split('\n');
    for (const on of [arch.toUpperCase().replace('ARM', 'ARM_'), 'LIVEPATCH', 'HAS_ALTERNATIVE'])
      expect(lines).toContain(`CONFIG_${on}=y`);
    expect(lines).toContain('# CONFIG_DEBUG is not set');
  });

  it('has a symbol table with whole FILE symbols', () => {
    const files = names.filter(({ type }) => type === 'FILE').map(({ name }) => name);
    expect(files).toContain('common/kernel.c');
    expect(files.filter((name) => !name.includes('/') && name !== '')).toEqual([]);
    const twins = names.filter(({ name }) => name === 'dump_state').map(({ qualified }) => qualified);
    expect(twins.sort()).toEqual(['arch/arm/domain.c#dump_state', 'common/kernel.c#dump_state']);
  });

  it('has the functions that a trace of a live patch names', () => {
    const functions = names.filter(({ type, size }) => type === 'FUNC' && size > 0).map(({ qualified }) => qualified);
    for (const name of [
      'common/livepatch.c#apply_payload',
      'common/livepatch.c#revert_payload',
      'check_for_livepatch_work',
      'arch_livepatch_apply',
      'arch/arm/domain.c#idle_loop',
      'printk',
      'do_xen_version',
    ]) {
      expect(functions).toContain(name);
    }
  });

  it('has alternatives of whole instructions, as many in place of as many', () => {
    const features: number[] = [];
    for (let entry = at('__alt_instructions'); entry < at('__alt_instructions_end'); entry += 12n) {
      const o = offsetOf(entry);
      const orig = entry + BigInt(view.getInt32(o, true));
      const repl = entry + 4n + BigInt(view.getInt32(o + 4, true));
      expect([...bytes.subarray(o + 10, o + 12)]).toEqual([4, 4]);
      expect(orig >= at('_stext') && orig < at('_etext')).toBe(true);
      expect(repl >= at('_einittext') && repl < at('__alt_instructions')).toBe(true);
      features.push(view.getUint16(o + 8, true));
    }
    expect(features.sort((a, b) => a - b)).toEqual([4, 6]);
  });

  it('has bug frames that lead to a trap and to a file', () => {
    const begin = at('__start_bug_frames');
    const stops = [0, 1, 2, 3].map((number) => at(`__stop_bug_frames_${number}`));
    expect(stops.map((stop, i) => Number(stop - (stops[i - 1] ?? begin)) / 16)).toEqual([0, 1, 2, 0]);
    for (let frame = begin; frame < at('__stop_bug_frames_3'); frame += 16n) {
      const displacement = (field: number): bigint => BigInt(view.getInt32(offsetOf(frame) + field, true));
      expect(wordAt(frame + displacement(0))).toBe(kind.trap);
      expect(text(frame + displacement(4))).toMatch(/^(arch\/arm\/domain|common\/keyhandler)\.c$/);
      expect(view.getUint16(offsetOf(frame) + 12, true)).toBeGreaterThan(0);
    }
  });

  it('has a function that NOPs can fill up to its return', () => {
    const { value, size } = symbol('nag_administrator');
    expect(wordAt(value + BigInt(size) - 4n)).toBe(kind.last);
    expect(size - 4).toBeLessThanOrEqual(28);
  });

  it('is understood by xsplice', () => {
    const image = openImage(bytes, { gunzip });
    expect([image.arch.name, image.version, image.release?.release.version]).toEqual([arch, '4.18.1', '4.18.1']);
    expect(hex(image.buildId ?? new Uint8Array(0))).toBe(example.buildId);
    expect([image.configured('CONFIG_LIVEPATCH'), image.configured('CONFIG_DEBUG')]).toEqual([true, false]);
    const known = openSimulation(bytes, { gunzip });
    expect(known.assumed).toEqual([]);
    expect(known.image.symbolsFor(known.release).byName('common/kernel.c#dump_state')).toBe(
      at('common/kernel.c#dump_state'),
    );
  });

  it('runs, with its alternatives in place', () => {
    const target = openSimulation(bytes, { gunzip, openCpu }).boot();
    const result = (name: string): bigint =>
      BigInt.asUintN(32, target.callNow({ function: name, args: [] }).result ?? -1n);
    expect(result('xen_minor_version')).toBe(18n);
    // In the file it returns 0.
    expect(result('cpu_has_livepatch')).toBe(1n);
    target.hypervisor.code?.close();
  });
});
