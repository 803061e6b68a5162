/*
 * A real Xen in QEMU (TCG): boots once per configuration into a snapshot, then gives every
 * case a fresh hypervisor by restoring it (0.5 s). Talks to the agent in dom0 (agent/agent.c)
 * over virtio-serial and to QEMU over QMP.
 *
 * A fresh hypervisor per case is what makes the recorded addresses, list versions and page
 * contents reproducible: nothing of an earlier case is left in the allocator.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join, resolve } from 'node:path';

export interface Machine {
  /** Multiboot ELF32 of the hypervisor (gunzipped: QEMU's loader takes nothing else). */
  xen: string;
  vmlinux: string;
  agent: string;
  /** The dom0 kernel modules the agent inserts, by base name. */
  modules: string[];
  cpu?: string;
  smp?: number;
  memory?: number;
  scratch: string;
}

export class HostDied extends Error {}

/** One virtual address range could not be read. */
export class Unmapped extends Error {}

const sleep = (ms: number) => new Promise<void>((r) => setTimeout(r, ms));

/** A "newc" cpio archive, so that no tool is needed to make the initramfs. */
function cpio(files: { name: string; mode: number; data: Uint8Array }[]): Buffer {
  const out: Buffer[] = [];
  const pad = (n: number) => Buffer.alloc((4 - (n % 4)) % 4);
  let ino = 1;
  for (const f of [...files, { name: 'TRAILER!!!', mode: 0, data: new Uint8Array() }]) {
    const fields = [ino++, f.mode, 0, 0, 1, 0, f.data.length, 0, 0, 0, 0, f.name.length + 1, 0];
    const header = Buffer.from('070701' + fields.map((v) => v.toString(16).padStart(8, '0')).join('') + f.name + '\0', 'latin1');
    out.push(header, pad(header.length), Buffer.from(f.data), pad(f.data.length));
  }
  return Buffer.concat(out);
}

/** QEMU is the one that connects: then there is nothing to wait for or to retry. */
function listenUnix(path: string): { ready: Promise<void>; socket: Promise<Socket>; close: () => void } {
  if (existsSync(path)) unlinkSync(path);
  const server = createServer();
  const socket = new Promise<Socket>((ok) => server.once('connection', ok));
  const ready = new Promise<void>((ok) => server.listen(path, ok));
  return { ready, socket, close: () => server.close() };
}

interface Buf {
  /** Contents, or a number for a zero filled buffer of that size. */
  data: Uint8Array | number;
  back?: boolean;
}
export interface Reloc {
  /** -1: the hypercall arguments. */
  buf: number;
  offset: number;
  target: number;
  add?: number;
}

export class Guest {
  /** Everything the serial line printed since the restore. */
  serial = '';
  exited = false;
  private qemu!: ChildProcess;
  private qmpSocket!: Socket;
  private qmpBuffer = '';
  private qmpWaiting: ((v: any) => void)[] = [];
  private agentSocket!: Socket;
  private agentBuffer = Buffer.alloc(0);
  private agentWaiting: { ok: (b: Buffer) => void; bad: (e: Error) => void } | undefined;
  private ringIndex = 0;

  readonly machine: Machine;
  private readonly dir: string;

  private constructor(machine: Machine, dir: string) {
    this.machine = machine;
    this.dir = dir;
  }

  /** Boots to the agent's prompt and saves the machine, unless a snapshot of the same inputs exists. */
  static async snapshot(m: Machine): Promise<string> {
    const { smp = 1, memory = 512, cpu = 'max,-smap' } = m;
    const hash = createHash('sha256').update(JSON.stringify([cpu, smp, memory]));
    for (const f of [m.xen, m.vmlinux, m.agent]) hash.update(readFileSync(f));
    const file = join(m.scratch, `snap-${hash.digest('hex').slice(0, 16)}`);
    if (existsSync(file)) return file;
    const dir = file + '.d';
    const g = new Guest(m, dir);
    await g.start([]);
    const end = Date.now() + 180_000;
    while (!g.serial.includes('AGENT-')) {
      if (g.exited || Date.now() > end) throw new Error('no boot:\n' + g.serial.slice(-3000));
      await sleep(50);
    }
    if (!g.serial.includes('AGENT-READY')) throw new Error('agent failed:\n' + g.serial.slice(-2000));
    await g.ping();
    await sleep(1500); // let the boot's last work (module notes, RCU) settle, so that dom0 is idle in the snapshot
    writeFileSync(join(dir, 'boot.log'), g.serial);
    await g.qmp('stop');
    await g.qmp('migrate', { uri: `exec:cat > ${file}.part` });
    for (;;) {
      const { status } = await g.qmp('query-migrate');
      if (status === 'failed') throw new Error('migration failed');
      if (status === 'completed') break;
      await sleep(30);
    }
    await g.close();
    writeFileSync(file + '.boot.log', g.serial);
    renameSync(file + '.part', file);
    return file;
  }

  /** A fresh machine from the snapshot. QEMU now and then hangs in an incoming migration on a loaded host, hence the retries. */
  static async restore(m: Machine, snapshot: string): Promise<Guest> {
    for (let attempt = 1; ; attempt++) {
      const g = new Guest(m, snapshot + '.d');
      let timer: NodeJS.Timeout | undefined;
      try {
        await Promise.race([
          g.resume(snapshot),
          new Promise((_, bad) => {
            timer = setTimeout(() => bad(new Error('restore hangs')), 20_000);
          }),
        ]);
        return g;
      } catch (e) {
        process.stderr.write(`restore, attempt ${attempt}: ${e instanceof Error ? e.message : e} ${g.serial.slice(-300)}\n`);
        await g.close();
        if (attempt === 4) throw e;
      } finally {
        clearTimeout(timer);
      }
    }
  }

  private async resume(snapshot: string): Promise<void> {
    await this.start(['-incoming', `exec:cat ${snapshot}`]);
    while ((await this.qmp('query-status')).status === 'inmigrate') await sleep(15);
    if (!(await this.qmp('query-status')).running) await this.qmp('cont');
    await this.ping();
    await this.consoleLines(); // skip the boot's lines
  }

  private async start(extra: string[]): Promise<void> {
    const { smp = 1, memory = 512, cpu = 'max,-smap' } = this.machine;
    mkdirSync(this.dir, { recursive: true });
    const initrd = join(this.dir, 'initrd');
    if (!existsSync(initrd))
      writeFileSync(
        initrd,
        cpio([
          { name: 'dev', mode: 0o40755, data: new Uint8Array() },
          { name: 'dev/console', mode: 0o100644, data: new Uint8Array() },
          { name: 'mod', mode: 0o40755, data: new Uint8Array() },
          { name: 'init', mode: 0o100755, data: readFileSync(this.machine.agent) },
          ...this.machine.modules.map((p) => ({ name: 'mod/' + p.replace(/.*\//, ''), mode: 0o100644, data: readFileSync(p) })),
        ]),
      );
    const qmp = listenUnix(join(this.dir, 'qmp'));
    const port = listenUnix(join(this.dir, 'port'));
    await Promise.all([qmp.ready, port.ready]);
    const vmlinux = resolve(this.machine.vmlinux);
    this.qemu = spawn(
      'nice',
      [
        '-n', '5', 'qemu-system-x86_64', '-accel', 'tcg', '-machine', 'pc', '-cpu', cpu, '-smp', String(smp), '-m', String(memory),
        '-nodefaults', '-no-reboot', '-display', 'none', '-monitor', 'none', '-serial', 'stdio',
        '-qmp', 'unix:qmp,server=off',
        '-chardev', 'socket,id=port,path=port,server=off', '-device', 'virtio-serial-pci', '-device', 'virtserialport,chardev=port',
        '-kernel', resolve(this.machine.xen),
        // conring_size: the ring must hold everything a case prints. loglvl=all: a release build drops INFO lines otherwise.
        '-append', 'console=com1 com1=115200 loglvl=all guest_loglvl=all conring_size=1M',
        '-initrd', `${vmlinux} console=hvc0 quiet mitigations=off nokaslr rodata=off panic=1,initrd`,
        ...extra,
      ],
      { cwd: this.dir, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const collect = (d: Buffer) => {
      this.serial += d.toString('latin1').replace(/\r/g, '');
      // A crash inside the crash printer prints without end.
      if (this.serial.length > 400_000) this.qemu.kill('SIGKILL');
    };
    this.qemu.stdout!.on('data', collect);
    this.qemu.stderr!.on('data', collect);
    this.qemu.on('exit', () => {
      this.exited = true;
      this.agentWaiting?.bad(new HostDied());
      for (const w of this.qmpWaiting.splice(0)) w({ error: { desc: 'gone' } });
    });
    process.once('exit', () => this.qemu.kill('SIGKILL'));
    this.qmpSocket = await qmp.socket;
    qmp.close();
    this.qmpSocket.on('error', () => {});
    this.qmpSocket.on('data', (d) => {
      this.qmpBuffer += d.toString();
      let nl: number;
      while ((nl = this.qmpBuffer.indexOf('\n')) >= 0) {
        const msg = JSON.parse(this.qmpBuffer.slice(0, nl));
        this.qmpBuffer = this.qmpBuffer.slice(nl + 1);
        if ('return' in msg || 'error' in msg) this.qmpWaiting.shift()?.(msg);
      }
    });
    await this.qmp('qmp_capabilities');
    this.agentSocket = await port.socket;
    port.close();
    this.agentSocket.on('error', () => {});
    this.agentSocket.on('data', (d) => {
      this.agentBuffer = Buffer.concat([this.agentBuffer, d]);
      while (this.agentBuffer.length >= 4 && this.agentBuffer.length >= 4 + this.agentBuffer.readUInt32LE(0)) {
        const n = this.agentBuffer.readUInt32LE(0);
        const body = Buffer.from(this.agentBuffer.subarray(4, 4 + n));
        this.agentBuffer = this.agentBuffer.subarray(4 + n);
        const w = this.agentWaiting;
        this.agentWaiting = undefined;
        w?.ok(body);
      }
    });
  }

  async qmp(execute: string, args: object = {}): Promise<any> {
    if (this.exited) throw new HostDied();
    const r: any = await new Promise((ok) => {
      this.qmpWaiting.push(ok);
      this.qmpSocket.write(JSON.stringify({ execute, arguments: args }) + '\n');
    });
    if (r.error) throw new Error(`${execute}: ${r.error.desc}`);
    return r.return;
  }

  async monitor(line: string): Promise<string> {
    return (await this.qmp('human-monitor-command', { 'command-line': line })).replace(/\r/g, '');
  }

  /** One request to the agent. The host counts as dead when a panic is on the screen or nothing comes back. */
  private async request(body: Buffer, seconds = 20): Promise<Buffer> {
    if (this.exited) throw new HostDied();
    const head = Buffer.alloc(4);
    head.writeUInt32LE(body.length);
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Buffer>((ok, bad) => {
        this.agentWaiting = { ok, bad };
        this.agentSocket.write(Buffer.concat([head, body]));
        const end = Date.now() + seconds * 1000;
        timer = setInterval(() => {
          if (/Reboot in five seconds|Hardware Dom0 (crashed|halted)/.test(this.serial) || Date.now() > end) bad(new HostDied());
        }, 20);
      });
    } finally {
      clearInterval(timer);
      this.agentWaiting = undefined;
    }
  }

  async ping(): Promise<void> {
    await this.request(Buffer.from('P'), 60);
  }

  async readFile(path: string): Promise<string> {
    return (await this.request(Buffer.from('R' + path))).subarray(8).toString('latin1');
  }

  async hypercall(op: number, args: (number | bigint)[], bufs: Buf[], relocs: Reloc[]): Promise<{ ret: number; bufs: Buffer[] }> {
    const parts: Buffer[] = [Buffer.from('H')];
    const u64 = (v: number | bigint) => {
      const b = Buffer.alloc(8);
      b.writeBigUInt64LE(BigInt.asUintN(64, BigInt(v)));
      return b;
    };
    const u32 = (...vs: number[]) => {
      const b = Buffer.alloc(4 * vs.length);
      vs.forEach((v, i) => b.writeUInt32LE(v >>> 0, 4 * i));
      return b;
    };
    parts.push(u64(op));
    for (let i = 0; i < 5; i++) parts.push(u64(args[i] ?? 0));
    parts.push(u32(bufs.length));
    for (const b of bufs) {
      const zero = typeof b.data === 'number';
      parts.push(u32(zero ? (b.data as number) : (b.data as Uint8Array).length, (b.back ? 1 : 0) | (zero ? 2 : 0)));
      if (!zero) parts.push(Buffer.from(b.data as Uint8Array));
    }
    parts.push(u32(relocs.length));
    for (const r of relocs) parts.push(u32(r.buf, r.offset, r.target, r.add ?? 0));
    const reply = await this.request(Buffer.concat(parts));
    const out: Buffer[] = [];
    let at = 8;
    for (const b of bufs) {
      const n = typeof b.data === 'number' ? b.data : b.data.length;
      out.push(b.back ? reply.subarray(at, (at += n)) : Buffer.alloc(0));
    }
    return { ret: Number(reply.readBigInt64LE(0)), bufs: out };
  }

  /**
   * A sysctl. `fill` writes into the 136 byte structure; extra buffers are numbered from 1 and
   * their addresses go where `relocs` (buf 0 = the structure) says.
   */
  async sysctl(cmd: number, fill: (b: Buffer) => void, bufs: Buf[] = [], relocs: Reloc[] = [], version = 0x15): Promise<{ ret: number; op: Buffer; bufs: Buffer[] }> {
    const op = Buffer.alloc(136);
    op.writeUInt32LE(cmd, 0);
    op.writeUInt32LE(version, 4);
    fill(op);
    const r = await this.hypercall(35, [0], [{ data: op, back: true }, ...bufs], [{ buf: -1, offset: 0, target: 0 }, ...relocs]);
    return { ret: r.ret, op: r.bufs[0]!, bufs: r.bufs.slice(1) };
  }

  /** New console ring contents, without the `(XEN) ` prefix, split in lines. */
  async consoleLines(): Promise<string[]> {
    let text = '';
    for (;;) {
      const size = 65536;
      const r = await this.sysctl(
        1,
        (b) => {
          b.writeUInt8(1, 9); // incremental
          b.writeUInt32LE(this.ringIndex >>> 0, 12);
          b.writeUInt32LE(size, 24);
        },
        [{ data: size, back: true }],
        [{ buf: 0, offset: 16, target: 1 }],
      );
      if (r.ret) throw new Error('readconsole ' + r.ret);
      this.ringIndex = r.op.readUInt32LE(12);
      const n = r.op.readUInt32LE(24);
      text += r.bufs[0]!.subarray(0, n).toString('latin1');
      if (n < size) break;
    }
    return splitLines(text);
  }

  async debugKeys(keys: string): Promise<number> {
    return (
      await this.sysctl(
        7,
        (b) => b.writeUInt32LE(keys.length, 16),
        [{ data: Buffer.from(keys) }],
        [{ buf: 0, offset: 8, target: 1 }],
      )
    ).ret;
  }

  /** Some address of the hypervisor that is always mapped except in XPTI's cut-down page tables, see `frozen`. */
  probe = 0n;

  private async memsave(address: bigint, size: number): Promise<Buffer> {
    const file = join(resolve(this.dir), 'mem');
    // The schema's `val` is a signed 64-bit integer, beyond what a JS number holds: hence JSON by hand.
    const body = `{"execute":"memsave","arguments":{"val":${BigInt.asIntN(64, address)},"size":${size},"filename":${JSON.stringify(file)},"cpu-index":0}}\n`;
    const r: any = await new Promise((ok) => {
      this.qmpWaiting.push(ok);
      this.qmpSocket.write(body);
    });
    if (r.error) throw new Unmapped(r.error.desc);
    const data = readFileSync(file);
    unlinkSync(file);
    return data;
  }

  /**
   * Runs `f` while the machine is stopped with the hypervisor's whole address space in CPU 0's page tables.
   * With XPTI (Intel) these have next to nothing of it while the CPU is in dom0's user mode; the probe address tells.
   */
  async frozen<T>(f: (read: (address: bigint, size: number) => Promise<Buffer>) => Promise<T>): Promise<T> {
    for (let i = 0; ; i++) {
      await this.qmp('stop');
      try {
        if (i === 200 || !this.probe || (await this.memsave(this.probe, 16).then(() => true, () => false))) return await f((a, n) => this.memsave(a, n));
      } finally {
        await this.qmp('cont');
      }
      await sleep(3);
    }
  }

  memory(address: bigint, size: number): Promise<Buffer> {
    return this.frozen((read) => read(address, size));
  }

  /** The page-table entries that translate `address`, from L4 down; ends at the first that is not present or maps a superpage. */
  async pageWalk(address: bigint): Promise<{ level: number; index: number; entry: bigint }[]> {
    return this.frozen(async () => {
      const cr3 = BigInt('0x' + /CR3=([0-9a-f]+)/.exec(await this.monitor('info registers'))![1]);
      let table = cr3 & 0x000ffffffffff000n;
      const walk: { level: number; index: number; entry: bigint }[] = [];
      for (let level = 4; level >= 1; level--) {
        const index = Number((address >> BigInt(12 + 9 * (level - 1))) & 511n);
        const text = await this.monitor(`xp /1gx 0x${(table + BigInt(index * 8)).toString(16)}`);
        const entry = BigInt(/0x([0-9a-f]+)\s*$/.exec(text.trim())![0]);
        walk.push({ level, index, entry });
        if (!(entry & 1n) || (level > 1 && entry & 0x80n)) break;
        table = entry & 0x000ffffffffff000n;
      }
      return walk;
    });
  }

  /** Waits for the end of a panic's output and returns the lines printed from `from` on. */
  async lastWords(from: number): Promise<string[]> {
    const end = Date.now() + 8000;
    // "Reboot in five seconds" ends a panic; a triple fault just ends QEMU.
    while (!this.exited && !/Reboot in five seconds/.test(this.serial) && Date.now() < end) await sleep(20);
    await sleep(60);
    return splitLines(this.serial.slice(from));
  }

  async close(): Promise<void> {
    if (!this.exited) {
      const gone = new Promise<void>((ok) => this.qemu.on('exit', () => ok()));
      this.qemu.kill('SIGKILL');
      await gone;
    }
    this.qmpSocket?.destroy();
    this.agentSocket?.destroy();
  }
}

export function splitLines(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((l) => (l.startsWith('(XEN) ') ? l.slice(6) : l === '(XEN)' ? '' : l));
}
