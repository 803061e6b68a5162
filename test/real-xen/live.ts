/*
 * Dumps of the live hypervisor before any payload is loaded, and its page tables before and after:
 * what boot made of the image (alternatives, direct calls, freed .init) and how payload pages are mapped.
 *
 *   live.ts --xen … --syms … --vmlinux … --modules … --agent … --scratch … --out DIR [--cpu MODEL]
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Elf, XenSyms } from './elf.ts';
import { Guest, type Machine } from './guest.ts';
import { buildPayload } from './payloads.ts';
import { Session } from './record.ts';

const { values: a } = parseArgs({ options: Object.fromEntries(['xen', 'syms', 'vmlinux', 'modules', 'agent', 'scratch', 'out', 'cpu'].map((k) => [k, { type: 'string' as const }])) });
const arg = a as { [k: string]: string };
const xen = new XenSyms(new Elf(readFileSync(arg['syms']!)));
const scratch = resolve(arg['scratch']!);
const out = arg['out']!;
mkdirSync(out, { recursive: true });
const m: Machine = {
  xen: arg['xen']!, vmlinux: arg['vmlinux']!, agent: arg['agent']!, scratch, cpu: arg['cpu'] ?? 'max,-smap', smp: 1,
  modules: ['xen/xen-privcmd', 'virtio/virtio_ring', 'virtio/virtio', 'virtio/virtio_pci_modern_dev', 'virtio/virtio_pci_legacy_dev', 'virtio/virtio_pci', 'char/virtio_console'].map((x) => join(arg['modules']!, x + '.ko')),
};
const at = (n: string): bigint => xen.get(n).address;
const g = await Guest.restore(m, await Guest.snapshot(m));
g.probe = at('xen_extra_version');
const info: { [k: string]: unknown } = { cpu: m.cpu, buildId: xen.buildId };
const dump = async (file: string, from: bigint, to: bigint): Promise<void> => {
  const bytes = await g.frozen((read) => read(from, Number(to - from)));
  writeFileSync(join(out, file), bytes);
  (info['files'] ??= {} as any);
  (info['files'] as any)[file] = { address: from.toString(16), size: bytes.length };
};
await dump('text.bin', at('_stext'), at('_etext'));
await dump('rodata.bin', at('_srodata'), at('_erodata'));
await dump('data.bin', at('__2M_rwdata_start'), at('__bss_start'));
const hex = (name: string, n: number): Promise<string> => g.memory(at(name), n).then((b) => b.toString('hex'), () => 'unreadable');
info['boot_cpu_data'] = await hex('boot_cpu_data', 256);
const le = async (name: string): Promise<bigint> => (await g.memory(at(name), 8)).readBigUInt64LE(0);
for (const n of ['arch/x86/alternative.c#ideal_nops', 'ideal_nops']) {
  if (!xen.byName.has(n)) continue;
  const p = await le(n);
  info['ideal_nops'] = { pointer: p.toString(16), is: xen.describe(p), entries: await Promise.all([...Array(9).keys()].map(() => '')) };
  const entries: string[] = [];
  for (let i = 1; i <= 9; i++) entries.push((await g.memory((await g.memory(p + BigInt(8 * i), 8)).readBigUInt64LE(0), i)).toString('hex'));
  (info['ideal_nops'] as any).entries = entries;
  break;
}
for (const n of ['arch/x86/alternative.c#toolchain_nops_are_ideal']) if (xen.byName.has(n)) info['toolchain_nops_are_ideal'] = await hex(n, 1);
const vmap = at('__2M_rwdata_end') + 0x9000n;
const walks: { [k: string]: unknown } = (info['walks'] = {});
const walk = async (label: string, address: bigint): Promise<void> => {
  walks[label] = { address: address.toString(16), entries: (await g.pageWalk(address)).map((e) => ({ level: e.level, index: e.index, entry: e.entry.toString(16).padStart(16, '0') })) };
};
await walk('.text', at('xen_extra_version'));
await walk('_stext', at('_stext'));
await walk('.rodata', at('_srodata'));
await walk('.init.text (freed)', at('_sinittext'));
await walk('.data', at('__2M_rwdata_start'));
await walk('.bss', at('__bss_start'));
await walk('VMAP_XEN first page, nothing loaded', vmap);
for (let p = 0; p < 9; p++) await walk(`VMAP_XEN page ${p}, nothing loaded`, at('__2M_rwdata_end') + BigInt(p * 4096));

// A payload with all three kinds of pages.
const file = buildPayload({ asm: '.data\n.balign 8\n.quad 1\n' }, { xen, scratch, buildIds: new Map() });
const s = new Session(g, { name: 'live', steps: [] }, new Map([['p', file]]));
const kinds = ['RX (text)', 'RW (data)', 'RO (rodata)', 'guard behind'];
for (const step of [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { unload: 'p' }]) {
  const r = await s.run(step);
  const label = Object.keys(step)[0]!;
  info[`dump after ${label}`] = r.dump;
  for (let i = 0; i < kinds.length; i++) await walk(`payload ${kinds[i]}, after ${label}`, vmap + BigInt(4096 * i));
  await walk(`.text, after ${label}`, at('xen_extra_version'));
  await walk(`.rodata, after ${label}`, at('_srodata'));
}
await walk('guard before', vmap - 4096n);
writeFileSync(join(out, 'info.json'), JSON.stringify(info, null, 1) + '\n');
writeFileSync(join(out, 'boot.log'), readFileSync((await Guest.snapshot(m)) + '.boot.log'));
await g.close();
