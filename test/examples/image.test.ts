import { execFileSync } from 'node:child_process';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { exampleBytes, exampleManifest, examplePath } from '../support/examples.ts';
import { buildId, disassembly, sections, symbols } from './binutils.ts';

const path = examplePath('miniature-xen');
const bytes = exampleBytes('miniature-xen');
const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const table = sections(path);
const names = symbols(path);

const PAGE = 4096n;
const pageUp = (address: bigint): bigint => ((address + PAGE - 1n) / PAGE) * PAGE;

function symbol(name: string): (typeof names)[number] {
  const [found, ...more] = names.filter(({ qualified }) => qualified === name);
  if (!found || more.length > 0) throw new Error(`${name}: ${found ? 'not unique' : 'missing'}`);
  return found;
}
const at = (name: string): bigint => symbol(name).value;

function section(name: string): (typeof table)[number] {
  const found = table.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`no section ${name}`);
  return found;
}

/** Where an address's contents are in the file. */
function offsetOf(address: bigint): number {
  const home = table.find((s) => s.flags.includes('A') && address >= s.address && address < s.address + BigInt(s.size));
  if (!home || home.type === 'NOBITS') throw new Error(`nothing in the file at ${address.toString(16)}`);
  return home.offset + Number(address - home.address);
}
function text(address: bigint): string {
  const start = offsetOf(address);
  return Buffer.from(bytes.subarray(start, bytes.indexOf(0, start))).toString('latin1');
}
const code = (name: string): Uint8Array => bytes.subarray(offsetOf(at(name)), offsetOf(at(name)) + symbol(name).size);

describe('miniature-xen', () => {
  it('is an executable at the addresses of Xen', () => {
    const header = execFileSync('readelf', ['-hlW', path], { encoding: 'latin1' });
    expect(header).toMatch(/Type: +EXEC/);
    expect(header).toMatch(/Machine: +Advanced Micro Devices X86-64/);
    expect(header).toMatch(/LOAD +0x[0-9a-f]+ 0xffff82d040200000 0x0000000000200000 .* RWE /);
    expect(at('_start')).toBe(0xffff82d040200000n);
    expect(section('.text').address).toBe(0xffff82d040200000n);
  });

  it('has its regions page by page in the order of Xen', () => {
    expect(at('_stext')).toBe(at('_start'));
    expect(at('__2M_text_end')).toBe(pageUp(at('_etext')));
    expect(at('__2M_rodata_start')).toBe(at('__2M_text_end'));
    expect(at('_srodata')).toBe(at('__2M_rodata_start'));
    expect(at('__2M_rodata_end')).toBe(pageUp(at('_erodata')));
    expect([at('__2M_init_start'), at('__init_begin')]).toEqual([at('__2M_rodata_end'), at('__2M_rodata_end')]);
    expect([at('__2M_init_end'), at('__init_end')]).toEqual([at('__2M_rwdata_start'), at('__2M_rwdata_start')]);
    expect(at('__bss_end')).toBe(at('_end'));
    const edges = ['_start', '__2M_rodata_start', '__ro_after_init_end', '__init_begin', '__init_end', '__bss_start'];
    const addresses = [...edges, '__2M_rwdata_end'].map(at);
    expect(addresses.filter((address) => address % PAGE !== 0n)).toEqual([]);
    expect(addresses).toEqual([...new Set(addresses)].sort((a, b) => (a < b ? -1 : 1)));
    expect(at('__ro_after_init_start')).toBe(at('_srodata'));
    expect(at('arch/x86/domain.c#pm_idle')).toBeLessThan(at('__ro_after_init_end'));
  });

  it('puts the first payload nine pages after its end', () => {
    expect(at('__2M_rwdata_end')).toBe(pageUp(at('_end')));
    expect(at('__2M_rwdata_end') + 9n * PAGE).toBe(0xffff82d040218000n);
  });

  it('says which release it is', () => {
    expect(disassembly(path, 'xen_major_version')).toMatch(/mov +\$0x4,%eax\n.*ret/);
    expect(disassembly(path, 'xen_minor_version')).toMatch(/mov +\$0x12,%eax\n.*ret/);
    const [, target] = /lea .*# ([0-9a-f]{16})/.exec(disassembly(path, 'xen_extra_version')) ?? [];
    const release = `4.18${text(BigInt(`0x${target}`))}`;
    expect(release).toBe('4.18.1');
    expect(exampleManifest.image.release).toBe(release);
  });

  it('names its build-id', () => {
    expect(buildId(path)).toMatch(/^[0-9a-f]{40}$/);
    expect(buildId(path)).toBe(exampleManifest.image.buildId);
    const note = section('.note.gnu.build-id');
    expect(at('__note_gnu_build_id_start')).toBe(note.address);
    expect(at('__note_gnu_build_id_end')).toBe(note.address + BigInt(note.size));
  });

  it('carries its configuration', () => {
    const size = view.getUint32(offsetOf(at('xen_config_data_size')), true);
    expect(size).toBe(symbol('xen_config_data').size);
    const start = offsetOf(at('xen_config_data'));
    expect(view.getUint32(start + 4, true), 'mtime').toBe(0);
    const lines = gunzipSync(bytes.subarray(start, start + size))
      .toString('latin1')
      .split('\n');
    for (const on of ['LIVEPATCH', 'XEN_SHSTK', 'XEN_IBT', 'HAS_ALTERNATIVE'])
      expect(lines).toContain(`CONFIG_${on}=y`);
    for (const off of ['DEBUG', 'XEN_ALIGN_2M', 'RETURN_THUNK']) expect(lines).toContain(`# CONFIG_${off} is not set`);
    expect(lines).toContain('CONFIG_NR_CPUS=256');
  });

  it('has no symbol table of its own, but one with FILE symbols', () => {
    expect(names.filter(({ name }) => name.startsWith('symbols_'))).toEqual([]);
    const files = names.filter(({ type }) => type === 'FILE').map(({ name }) => name);
    expect(files).toContain('common/kernel.c');
    expect(files.filter((name) => !name.includes('/') && name !== '')).toEqual([]);
    const twins = names.filter(({ name }) => name === 'dump_state').map(({ qualified }) => qualified);
    expect(twins.sort()).toEqual(['arch/x86/domain.c#dump_state', 'common/kernel.c#dump_state']);
  });

  it('has the functions that a trace of a live patch names', () => {
    const functions = names.filter(({ type, size }) => type === 'FUNC' && size > 0).map(({ qualified }) => qualified);
    for (const name of [
      'common/livepatch.c#apply_payload',
      'common/livepatch.c#revert_payload',
      'common/livepatch.c#livepatch_printall',
      'check_for_livepatch_work',
      'arch_livepatch_apply',
      'arch/x86/domain.c#idle_loop',
      'printk',
      'do_xen_version',
    ]) {
      expect(functions).toContain(name);
    }
  });

  it('starts with ENDBR64 where it is called through pointers, and only there', () => {
    const marked = names
      .filter(({ type, size, index }) => type === 'FUNC' && size >= 4 && index !== 'UND')
      .filter(({ value }) => view.getUint32(offsetOf(value), true) === 0xfa1e0ff3)
      .map(({ qualified }) => qualified);
    expect(marked.sort()).toEqual([
      'arch/x86/domain.c#default_idle',
      'arch/x86/domain.c#dump_state',
      'common/kernel.c#dump_state',
      'common/keyhandler.c#show_handlers',
      'common/livepatch.c#livepatch_printall',
    ]);
  });

  it('has alternatives on a feature that is always there and on one that may be absent', () => {
    const [start, end] = [at('__alt_instructions'), at('__alt_instructions_end')];
    expect(Number(end - start) % 14).toBe(0);
    const features: number[] = [];
    for (let entry = start; entry < end; entry += 14n) {
      const o = offsetOf(entry);
      const orig = entry + BigInt(view.getInt32(o, true));
      const repl = entry + 4n + BigInt(view.getInt32(o + 4, true));
      const [origLength, replLength, padding, priv] = bytes.subarray(o + 10, o + 14);
      expect(orig >= at('_stext') && orig + BigInt((origLength ?? 0) + (padding ?? 0)) <= at('_etext')).toBe(true);
      expect(repl >= at('_sinittext') && repl + BigInt(replLength ?? 0) <= at('_einittext')).toBe(true);
      expect(replLength).toBeLessThanOrEqual((origLength ?? 0) + (padding ?? 0));
      expect(priv).toBe(0);
      features.push(view.getUint16(o + 8, true));
    }
    expect(features.sort((a, b) => a - b)).toEqual([93, 93, 180, 180]);
  });

  it('has an indirect call that alternatives make direct', () => {
    const [, pointer] = /call +\*0x[0-9a-f]+\(%rip\) +# ([0-9a-f]{16})/.exec(disassembly(path, 'call_pm_idle')) ?? [];
    expect(BigInt(`0x${pointer}`)).toBe(at('arch/x86/domain.c#pm_idle'));
    expect([...code('arch/x86/domain.c#call_pm_idle').subarray(0, 2)]).toEqual([0xff, 0x15]);
  });

  it('has bug frames that lead to a trap and to a file', () => {
    const kinds = [0, 1, 2, 3].map((kind) => at(`__stop_bug_frames_${kind}`));
    const begin = at('__start_bug_frames');
    expect(kinds.map((stop, kind) => Number(stop - (kinds[kind - 1] ?? begin)) / 8)).toEqual([0, 1, 2, 0]);
    for (let frame = begin; frame < at('__stop_bug_frames_3'); frame += 8n) {
      const displacement = (word: number): bigint =>
        BigInt.asIntN(24, BigInt(view.getUint32(offsetOf(frame) + word, true)));
      expect(view.getUint16(offsetOf(frame + displacement(0)), true)).toBe(0x0b0f);
      expect(text(frame + displacement(4))).toMatch(/^(arch\/x86\/domain|common\/keyhandler)\.c$/);
    }
  });

  it('has an exception table', () => {
    const start = at('__start___ex_table');
    expect(at('__stop___ex_table') - start).toBe(8n);
    const addr = start + BigInt(view.getInt32(offsetOf(start), true));
    const cont = start + 4n + BigInt(view.getInt32(offsetOf(start) + 4, true));
    const { value, size } = symbol('copy_byte_from_guest');
    for (const target of [addr, cont]) expect(target > value && target < value + BigInt(size)).toBe(true);
  });

  it('has a function that NOPs can fill up to its ret', () => {
    const body = code('nag_administrator');
    expect(body.at(-1)).toBe(0xc3);
    expect(body.length - 1).toBeLessThanOrEqual(31);
  });
});
