/*
 * Runs cases.ts on a real hypervisor in QEMU and writes what happened.
 *
 *   record.ts --xen XEN --syms XEN-SYMS --vmlinux VMLINUX --modules DIR --agent AGENT --scratch DIR --out DIR
 *             --label 4.17.7 --package "xen-hypervisor-4.17-amd64 4.17.7+13-…" [--only REGEXP] [--resume yes] [--panics DIR]
 *
 * XEN is the gunzipped multiboot image, XEN-SYMS the unstripped one, DIR the `kernel/drivers` folder of the dom0
 * kernel's modules, AGENT the static build of agent/agent.c (gcc -O2 -static).
 *
 * Per case a fresh hypervisor is restored from the snapshot. After every step the recorder presses `x` and reads, from
 * outside of the guest, the live bytes of every function the dump names and, after an upload, the payload's pages.
 *
 * raw-LABEL.json has everything as it was; xen-LABEL.json has addresses as {symbol+offset} or {vmap+offset} (from __2M_rwdata_end)
 * and build-ids as {build-id KEY}, so that it can be compared with another build. payloads-LABEL.json has the payload files themselves, as what
 * gcc and binutils produce is part of the input.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { deflateRawSync } from 'node:zlib';
import { cases, type Case, type ListArgs, type RawOp, type Step } from './cases.ts';
import { Elf, XenSyms } from './elf.ts';
import { Guest, HostDied, type Machine, type Reloc } from './guest.ts';
import { liveBytes, normaliser } from './normalise.ts';
import { buildPayload } from './payloads.ts';

const ERRNO: { [n: number]: string } = { 1: 'EPERM', 2: 'ENOENT', 5: 'EIO', 7: 'E2BIG', 11: 'EAGAIN', 12: 'ENOMEM', 13: 'EACCES', 14: 'EFAULT', 16: 'EBUSY', 17: 'EEXIST', 22: 'EINVAL', 28: 'ENOSPC', 34: 'ERANGE', 38: 'ENOSYS', 61: 'ENODATA', 75: 'EOVERFLOW', 95: 'EOPNOTSUPP', 105: 'ENOBUFS' };
const code = (n: number): number | string => (n >= 0 ? n : (ERRNO[-n] ?? n));
const STATE: { [n: number]: string } = { 1: 'CHECKED', 2: 'APPLIED' };

export interface StepResult {
  step: Step;
  /** Return value: 0 (or a count, for list), or an errno name. */
  ret?: number | string;
  status?: { state: string; rc: number | string };
  list?: object;
  text?: string;
  /** What the hypervisor printed during the step. */
  lines?: string[];
  /** Key x pressed afterwards. */
  dump?: string[];
  /** 48 live bytes of each function named in any dump so far: address → hex, or null if it can't be read. */
  live?: { [address: string]: string | null };
  /** After an upload: its regions as the dump gives them; trailing zeros cut off. */
  regions?: { text: Region; rw: Region; ro: Region };
  /** The host died in this step: the screen from the step's begin on. */
  died?: string[];
}
interface Region {
  at: string;
  pages: number;
  hex: string;
}
export interface CaseResult {
  name: string;
  cpu: string;
  smp: number;
  payloads: { [key: string]: { sha256: string; size: number } };
  results: StepResult[];
}

const LIVEPATCH = 27;

export class Session {
  old = new Set<string>();
  readonly g: Guest;
  readonly c: Case;
  readonly files: Map<string, Uint8Array>;
  constructor(g: Guest, c: Case, files: Map<string, Uint8Array>) {
    this.g = g;
    this.c = c;
    this.files = files;
  }

  async op(o: RawOp): Promise<{ ret: number; op: Buffer; bufs: Buffer[] }> {
    const name = Buffer.from((o.name ?? '') + '\0', 'latin1');
    const bufs: { data: Uint8Array | number; back?: boolean }[] = [{ data: name }];
    const relocs: Reloc[] = [];
    const list = o.list;
    if (list) {
      const n = Math.min(list.nr, 1024);
      for (const size of [8 * n, 64 + 256 * n, 4 * n, 4096, 4 * n]) bufs.push({ data: size, back: true });
    } else if (o.payload !== undefined) bufs.push({ data: this.files.get(o.payload)! });
    const fill = (b: Buffer) => {
      b.writeUInt32LE(o.sub >>> 0, 8);
      b.writeUInt32LE((o.opPad ?? 0) >>> 0, 12);
      const pointer = (at: number, target: number, value?: string) => {
        if (value !== undefined) b.writeBigUInt64LE(BigInt('0x' + value), at);
        else relocs.push({ buf: 0, offset: at, target });
      };
      if (o.sub === 2) {
        const l: ListArgs = list!;
        b.writeUInt32LE(l.idx >>> 0, 20);
        b.writeUInt32LE(l.nr >>> 0, 24);
        b.writeUInt32LE((l.pad ?? 0) >>> 0, 28);
        (['status', 'name', 'len', 'metadata', 'metadataLen'] as const).forEach((k, i) => pointer(40 + 8 * i, 2 + i, l.pointers?.[k]));
        return;
      }
      pointer(16, 1, o.namePointer);
      b.writeUInt16LE(o.nameSize ?? name.length, 24);
      (o.namePad ?? [0, 0, 0]).forEach((v, i) => b.writeUInt16LE(v, 26 + 2 * i));
      if (o.sub === 0) {
        b.writeBigUInt64LE(BigInt(o.uploadSize ?? this.files.get(o.payload!)!.length), 32);
        pointer(40, 2, o.payloadPointer);
      }
      if (o.sub === 3) {
        b.writeUInt32LE((o.action ?? 0) >>> 0, 32);
        b.writeUInt32LE(o.timeout ?? 30_000_000, 36);
        b.writeUInt32LE((o.flags ?? 0) >>> 0, 40);
        b.writeUInt32LE((o.actionPad ?? 0) >>> 0, 44);
      }
    };
    // `fill` decides which pointers are relocated, so it runs before the request is put together
    const probe = Buffer.alloc(136);
    fill(probe);
    const fixed = [...relocs];
    return this.g.sysctl(LIVEPATCH, (b) => probe.copy(b, 8, 8), bufs, fixed, o.interfaceVersion);
  }

  async status(name: string): Promise<{ ret: number; state: number; rc: number }> {
    const r = await this.op({ sub: 1, name });
    return { ret: r.ret, state: r.op.readUInt32LE(32), rc: r.op.readInt32LE(36) };
  }

  /** Waits until a scheduled action is over. The rc stays EAGAIN for good in one documented case, hence the limit. */
  async settle(name: string): Promise<StepResult['status']> {
    let s = await this.status(name);
    for (let i = 0; i < 40 && s.ret === 0 && s.rc === -11; i++) {
      await new Promise((r) => setTimeout(r, 5));
      s = await this.status(name);
    }
    return s.ret ? undefined : { state: STATE[s.state] ?? String(s.state), rc: code(s.rc) };
  }

  async run(step: Step): Promise<StepResult> {
    if (process.env['GT_TRACE']) console.error(step);
    const g = this.g;
    const result: StepResult = { step };
    const from = g.serial.length;
    let name: string | undefined;
    try {
      if ('upload' in step) {
        name = step.as ?? step.upload;
        result.ret = code((await this.op({ sub: 0, name, payload: step.upload })).ret);
      } else if ('apply' in step || 'revert' in step || 'replace' in step || 'unload' in step) {
        const [action, n] = 'unload' in step ? [1, step.unload] : 'revert' in step ? [2, step.revert] : 'apply' in step ? [3, step.apply] : [4, step.replace];
        name = n;
        const { flags = 0, timeout } = step as { flags?: number; timeout?: number };
        result.ret = code((await this.op({ sub: 3, name, action, flags, ...(timeout === undefined ? {} : { timeout }) })).ret);
      } else if ('get' in step) {
        name = step.get;
        result.ret = code((await this.status(name)).ret);
      } else if ('list' in step) {
        const l = step.list;
        const r = await this.op({ sub: 2, list: l });
        result.ret = code(r.ret);
        const [status, names, lens, meta, metaLens] = r.bufs.slice(1) as [Buffer, Buffer, Buffer, Buffer, Buffer];
        const entries: object[] = [];
        let na = 0;
        let ma = 0;
        for (let i = 0; i < r.ret && l.nr > 0; i++) {
          const nl = lens.readUInt32LE(4 * i);
          const ml = metaLens.readUInt32LE(4 * i);
          entries.push({ name: names.subarray(na, na + nl).toString('latin1'), state: STATE[status.readUInt32LE(8 * i)] ?? status.readUInt32LE(8 * i), rc: code(status.readInt32LE(8 * i + 4)), metadata: meta.subarray(ma, ma + ml).toString('latin1') });
          na += nl;
          ma += ml;
        }
        result.list = { version: r.op.readUInt32LE(16), idx: r.op.readUInt32LE(20), nr: r.op.readUInt32LE(24), nameTotalSize: r.op.readUInt32LE(32), metadataTotalSize: r.op.readUInt32LE(36), entries };
      } else if ('dump' in step) result.ret = code(await g.debugKeys(step.dump));
      else if ('extra' in step) result.text = (await g.readFile('/sys/hypervisor/version/extra')).replace(/\n$/, '');
      else if ('version' in step) {
        const r = await g.hypercall(17, [step.version, 0], [{ data: 1024, back: true }], [{ buf: -1, offset: 8, target: 0 }]);
        result.ret = code(r.ret);
        result.text = r.bufs[0]!.toString('latin1').replace(/\0.*/s, '');
      } else {
        const r = await this.op(step.raw);
        result.ret = code(r.ret);
        if (step.raw.sub === 3 && step.raw.name !== undefined) name = step.raw.name.replace(/\0.*/s, '');
      }
      if (name !== undefined) {
        const s = await this.settle(name);
        if (s) result.status = s;
      }
      // With more than one CPU the rendezvous' last line comes after the rc is set.
      if ((this.c.smp ?? 1) > 1) await new Promise((r) => setTimeout(r, 60));
      result.lines = await g.consoleLines();
      const acts = !('list' in step) && !('get' in step) && !('dump' in step) && !('extra' in step) && !('version' in step);
      if (acts && !this.c.noDump) {
        await g.debugKeys('x');
        result.dump = await g.consoleLines();
        for (const line of result.dump) {
          const m = / patch ([0-9a-f]{16})\(\d+\) with [0-9a-f]{16} \(\d+\)$/.exec(line);
          if (m) this.old.add(m[1]!);
        }
      }
      if (acts) await g.frozen((read) => this.readMemory(read, step, result, name));
    } catch (e) {
      if (!(e instanceof HostDied)) throw e;
      result.died = await g.lastWords(from);
    }
    return result;
  }

  private async readMemory(read: (address: bigint, size: number) => Promise<Buffer>, step: Step, result: StepResult, name: string | undefined): Promise<void> {
    if (this.old.size) {
      result.live = {};
      for (const a of this.old) result.live[a] = await read(BigInt('0x' + a), 48).then((b) => b.toString('hex'), () => null);
    }
    const uploaded = 'upload' in step || ('raw' in step && step.raw.sub === 0);
    if (uploaded && result.dump && result.ret === 0 && name !== undefined) {
      const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      const m = new RegExp(`^ name=${escaped} state=CHECKED\\(1\\) ([0-9a-f]{16}) \\(\\.data=([0-9a-f]{16}), \\.rodata=([0-9a-f]{16})\\) using (\\d+) pages\\.`, 'm').exec(result.dump!.join('\n'));
      if (m) {
        const [text, rw, ro] = [m[1]!, m[2]!, m[3]!].map((x) => BigInt('0x' + x)) as [bigint, bigint, bigint];
        const end = text + BigInt(Number(m[4]) * 4096);
        const region = async (at: bigint, to: bigint): Promise<Region> => {
          const size = Number(to - at);
          // A 2 MiB .bss says nothing: its first pages are enough.
          const bytes = size > 0 ? await read(at, Math.min(size, 16384)) : Buffer.alloc(0);
          let n = bytes.length;
          while (n && !bytes[n - 1]) n--;
          return { at: at.toString(16), pages: size / 4096, hex: bytes.subarray(0, n).toString('hex') };
        };
        result.regions = { text: await region(text, rw), rw: await region(rw, ro), ro: await region(ro, end) };
      }
    }
  }
}

async function main(): Promise<void> {
  process.setMaxListeners(0); // one per machine started
  const { values: a } = parseArgs({ options: Object.fromEntries(['xen', 'syms', 'vmlinux', 'modules', 'agent', 'scratch', 'out', 'label', 'package', 'only', 'panics', 'resume'].map((k) => [k, { type: 'string' as const }])) });
  const need = (k: string): string => {
    const v = (a as { [k: string]: string | undefined })[k];
    if (!v) throw new Error(`--${k} is missing`);
    return v;
  };
  const xen = new XenSyms(new Elf(readFileSync(need('syms'))));
  const scratch = resolve(need('scratch'));
  const out = need('out');
  mkdirSync(scratch, { recursive: true });
  mkdirSync(out, { recursive: true });
  const label = need('label');
  const machine: Machine = {
    xen: need('xen'), vmlinux: need('vmlinux'), agent: need('agent'), scratch,
    modules: ['xen/xen-privcmd', 'virtio/virtio_ring', 'virtio/virtio', 'virtio/virtio_pci_modern_dev', 'virtio/virtio_pci_legacy_dev', 'virtio/virtio_pci', 'char/virtio_console'].map((m) => join(need('modules'), m + '.ko')),
  };
  const only = a['only'] ? new RegExp(a['only'] as string) : undefined;
  const rawFile = join(out, `raw-${label}.json`);
  // A partial run replaces the cases it ran and keeps the others.
  const keep = (f: string): { cases?: any[]; files?: { [sha: string]: string } } => ((only || a['resume']) && existsSync(f) ? JSON.parse(readFileSync(f, 'utf8')) : {});
  const payloadFile = join(out, `payloads-${label}.json`);
  const files: { [sha: string]: string } = keep(payloadFile).files ?? {};
  const raw = new Map<string, CaseResult>((keep(rawFile).cases ?? []).map((c) => [c.name, c]));
  const normalFile = join(out, `xen-${label}.json`);
  const normal = new Map<string, object>((keep(normalFile).cases ?? []).map((c) => [c.name, c]));
  const todo = cases.filter((c) => (!only || only.test(c.name)) && !(a['resume'] && raw.has(c.name)));
  for (const c of todo) {
    const { cpu = 'max,-smap', smp = 1 } = c;
    const buildIds = new Map<string, string>();
    const built = new Map<string, Uint8Array>();
    const result: CaseResult = { name: c.name, cpu, smp, payloads: {}, results: [] };
    for (const [key, spec] of Object.entries(c.payloads ?? {})) {
      const file = buildPayload(spec, { xen, scratch, buildIds, files: built });
      built.set(key, file);
      try {
        buildIds.set(key, new Elf(file).buildId());
      } catch {
        // a payload this broken has no id that another one could refer to
      }
      const sha256 = createHash('sha256').update(file).digest('hex');
      files[sha256] = deflateRawSync(file, { level: 9 }).toString('base64');
      result.payloads[key] = { sha256, size: file.length };
    }
    const m = { ...machine, cpu, smp };
    process.stderr.write(c.name + ' ...\n');
    const g = await Guest.restore(m, await Guest.snapshot(m));
    try {
      g.probe = xen.get('xen_extra_version').address;
      const s = new Session(g, c, built);
      for (const w of c.watch ?? []) s.old.add(xen.get(w).address.toString(16));
      for (const step of c.steps) {
        const r = await s.run(step);
        result.results.push(r);
        if (r.died) break;
      }
    } finally {
      await g.close();
    }
    raw.set(c.name, result);
    const norm = normaliser(xen, buildIds);
    const each = (r: StepResult): object => ({
      ...r,
      ...(r.lines ? { lines: r.lines.map(norm) } : {}),
      ...(r.dump ? { dump: r.dump.map(norm) } : {}),
      ...(r.died ? { died: r.died.map(norm) } : {}),
      ...(r.live ? { live: Object.fromEntries(Object.entries(r.live).map(([k, v]) => [norm(k), v && liveBytes(BigInt('0x' + k), v, norm)])) } : {}),
      ...(r.regions ? { regions: Object.fromEntries(Object.entries(r.regions).map(([k, v]) => [k, { ...v, at: norm(v.at) }])) } : {}),
    });
    normal.set(c.name, { ...result, results: result.results.map(each) });
    const last = result.results.at(-1)!;
    process.stderr.write(`${c.name}: ${result.results.map((r) => (r.died ? 'DIED' : r.ret)).join(' ')}\n`);
    if (last.died && a['panics']) {
      mkdirSync(a['panics'] as string, { recursive: true });
      writeFileSync(join(a['panics'] as string, `${c.panic ?? c.name}.txt`), last.died.join('\n') + '\n');
    }
    if (c === todo.at(-1) || todo.indexOf(c) % 40 === 39) {
      const head = { package: need('package'), buildId: xen.buildId, symbols: Object.fromEntries(['_stext', '_etext', '__2M_rwdata_end', 'xen_extra_version', 'xen_changeset'].map((n) => [n, xen.get(n).address.toString(16)])) };
      const order = (m: Map<string, object>): object[] => cases.filter((x) => m.has(x.name)).map((x) => m.get(x.name)!);
      const write = (f: string, h: object, m: Map<string, object>) => writeFileSync(f, JSON.stringify(h).slice(0, -1) + ',"cases":[\n' + order(m).map((x) => JSON.stringify(x)).join(',\n') + '\n]}\n');
      write(rawFile, head, raw as Map<string, object>);
      write(normalFile, { label, vmap: '__2M_rwdata_end' }, normal);
      writeFileSync(payloadFile, JSON.stringify({ encoding: 'deflate-raw, base64; by sha256', files }, null, 0).replaceAll('","', '",\n"') + '\n');
    }
  }
}

if (process.argv[1]?.endsWith('record.ts')) await main();
