/**
 * Records the cases on a real hypervisor in QEMU: Debian's, or one of your own.
 *
 *   npx tsx test/real-xen/record.ts OUT.json [--only REGEXP] [--xen-image XEN --xen-syms XEN-SYMS]
 *
 * Writes what `recordings/xen-*.json` has, and beside it the payload files as `payloads-*.json`. A case a second.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { deflateRawSync } from 'node:zlib';
import { hex, pointerText } from '../../src/base/index.ts';
import { GuestArena, prepareQemu, type QemuHosts, type QemuTarget } from '../../src/targets/index.ts';
import { LIVEPATCH_STATE_NAMES } from '../../src/xen/index.ts';
import { code, listResult, prepareCall, rawOf } from './call.ts';
import { type Case, cases, type Step } from './cases.ts';
import { Elf, XenSyms } from './elf.ts';
import { liveBytes, normaliser } from './normalise.ts';
import { buildPayload } from './payloads.ts';
import type { RecordedCase, RecordedStep } from './replay.ts';

const HYPERVISOR_SYSCTL = 35;
const PAGE = 4096;
/** Of a region that is large because of its .bss, the first pages are enough. */
const REGION_MAX = 16_384;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** One host, and the functions that its dumps have named so far. */
class Session {
  readonly #host: QemuTarget;
  readonly #files: ReadonlyMap<string, Uint8Array>;
  readonly #normalise: (text: string) => string;
  readonly #seen = new Set<bigint>();

  constructor(host: QemuTarget, files: ReadonlyMap<string, Uint8Array>, normalise: (text: string) => string) {
    this.#host = host;
    this.#files = files;
    this.#normalise = normalise;
  }

  async step(step: Step, look: boolean): Promise<RecordedStep> {
    const result: Writable<RecordedStep> = { step };
    const name = await this.#perform(step, result);
    if ((await this.#host.panic()) === null && name !== undefined) {
      const got = await this.#host.get(name);
      if (got.kind === 'found') {
        const { state, statusRc } = got;
        result.status = { state: LIVEPATCH_STATE_NAMES.get(state) ?? String(state), rc: code(statusRc) };
      }
    }
    const panic = await this.#host.panic();
    const lines = (await this.#host.takeConsole()).map(this.#normalise);
    if (panic !== null) return { step, died: [...lines, ...panic.screen.map(this.#normalise)] };
    result.lines = lines;
    const looks = !['list', 'get', 'dump', 'extra', 'version'].some((kind) => kind in step);
    if (look && looks) await this.#look(step, result, name);
    return result;
  }

  /** Returns the name of the payload that the step is about. */
  async #perform(step: Step, result: Writable<RecordedStep> & { text?: string | null }): Promise<string | undefined> {
    if ('dump' in step) {
      const pressed = await this.#host.press(step.dump);
      if (pressed.kind === 'answered') result.ret = code(pressed.rc);
      return undefined;
    }
    if ('extra' in step || 'version' in step) {
      result.text = 'extra' in step ? await this.#host.extraVersion() : await this.#host.versionString(step.version);
      if ('version' in step && result.text !== null) result.ret = 0;
      return undefined;
    }
    const op = rawOf(step);
    const arena = new GuestArena();
    const call = prepareCall(this.#host.host.release.release, op, this.#files, arena);
    const answer = await this.#host.hypercall(arena, HYPERVISOR_SYSCTL, [call.sysctl]);
    if (answer.kind === 'no-answer') return undefined;
    const { rc } = answer;
    result.ret = code(rc);
    if (op.list !== undefined) result.list = { ...listResult(arena, call, rc, op.list.nr) };
    if ('list' in step || op.name === undefined || ('raw' in step && op.sub !== 3)) return undefined;
    return op.name.replace(/\0.*/s, '');
  }

  /** Presses x and reads memory; what that prints is not part of the step's lines. */
  async #look(step: Step, result: Writable<RecordedStep>, name: string | undefined): Promise<void> {
    await this.#host.dump();
    const dump = await this.#host.takeConsole();
    result.dump = dump.map(this.#normalise);
    for (const line of dump) {
      const found = / patch ([0-9a-f]{16})\(\d+\) with [0-9a-f]{16} \(\d+\)$/.exec(line);
      if (found !== null) this.#seen.add(BigInt(`0x${found[1]}`));
    }
    const live: Record<string, string | null> = {};
    for (const address of this.#seen) {
      const bytes = await this.#host.peek(address, 48);
      const text = pointerText(address);
      live[this.#normalise(text)] = bytes === null ? null : liveBytes(address, hex(bytes), this.#normalise);
    }
    if (this.#seen.size > 0) result.live = live;
    const uploaded = 'upload' in step || ('raw' in step && step.raw.sub === 0);
    if (uploaded && result.ret === 0 && name !== undefined) {
      const regions = await this.#regions(dump, name);
      if (regions !== undefined) result.regions = regions;
    }
  }

  async #regions(dump: readonly string[], name: string): Promise<RecordedStep['regions']> {
    const prefix = ` name=${name} state=CHECKED(1) `;
    const line = dump.find((each) => each.startsWith(prefix)) ?? '';
    const found = /^([0-9a-f]{16}) \(\.data=([0-9a-f]{16}), \.rodata=([0-9a-f]{16})\) using (\d+) pages\.$/.exec(
      line.slice(prefix.length),
    );
    if (found === null) return undefined;
    const [text, rw, ro] = [1, 2, 3].map((i) => BigInt(`0x${found[i]}`)) as [bigint, bigint, bigint];
    const region = async (from: bigint, to: bigint) => {
      const size = Number(to - from);
      const bytes = size > 0 ? await this.#host.peek(from, Math.min(size, REGION_MAX)) : null;
      return {
        at: this.#normalise(pointerText(from)),
        pages: size / PAGE,
        hex: hex(bytes ?? new Uint8Array(0)).replace(/(00)+$/, ''),
      };
    };
    const end = text + BigInt(Number(found[4]) * PAGE);
    return { text: await region(text, rw), rw: await region(rw, ro), ro: await region(ro, end) };
  }
}

/** `-cpu` and `-smp` of a case, and the hosts of that kind, made ready once. */
class Hosts {
  readonly #known = new Map<string, Promise<QemuHosts>>();
  readonly #own: { readonly xenImage?: string; readonly xenSyms?: string };

  constructor(own: { readonly xenImage?: string; readonly xenSyms?: string }) {
    this.#own = own;
  }

  async start({ cpu = 'max,-smap', smp = 1 }: Case): Promise<QemuTarget> {
    const key = `${cpu}/${smp}`;
    const hosts = this.#known.get(key) ?? prepareQemu({ ...this.#own, cpu, smp });
    this.#known.set(key, hosts);
    return (await hosts).start();
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { only: { type: 'string' }, 'xen-image': { type: 'string' }, 'xen-syms': { type: 'string' } },
  });
  const [out] = positionals;
  if (out === undefined) throw new Error('where to? OUT.json is missing');
  const { 'xen-image': xenImage, 'xen-syms': xenSyms } = values;
  const hosts = new Hosts({ ...(xenImage !== undefined && { xenImage }), ...(xenSyms !== undefined && { xenSyms }) });
  const only = values.only === undefined ? undefined : new RegExp(values.only);
  const scratch = mkdtempSync(join(tmpdir(), 'xsplice-record-'));
  const recorded: RecordedCase[] = [];
  const payloads: Record<string, string> = {};
  let symbols: XenSyms | undefined;
  try {
    for (const each of cases) {
      if (only !== undefined && !only.test(each.name)) continue;
      const host = await hosts.start(each);
      try {
        symbols ??= new XenSyms(new Elf(readFileSync(host.host.xenSyms ?? '')));
        recorded.push(await recordCase(each, host, symbols, scratch, payloads));
      } finally {
        await host.close();
      }
      process.stderr.write(
        `${each.name}: ${recorded
          .at(-1)
          ?.results.map((r) => (r.died ? 'DIED' : r.ret))
          .join(' ')}\n`,
      );
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  const lines = recorded.map((each) => JSON.stringify(each)).join(',\n');
  const head = JSON.stringify({ buildId: symbols?.buildId, vmap: '__2M_rwdata_end' }).slice(0, -1);
  writeFileSync(out, `${head},"cases":[\n${lines}\n]}\n`);
  const beside = join(dirname(out), basename(out).replace(/^xen-|^/, 'payloads-'));
  const files = JSON.stringify({ encoding: 'deflate-raw, base64; by sha256', files: payloads });
  writeFileSync(beside, `${files.replaceAll('","', '",\n"')}\n`);
}

async function recordCase(
  each: Case,
  host: QemuTarget,
  symbols: XenSyms,
  scratch: string,
  payloads: Record<string, string>,
): Promise<RecordedCase> {
  const buildIds = new Map<string, string>();
  const files = new Map<string, Uint8Array>();
  const known: Record<string, { sha256: string; size: number }> = {};
  for (const [key, spec] of Object.entries(each.payloads ?? {})) {
    const file = buildPayload(spec, { xen: symbols, scratch, buildIds, files });
    files.set(key, file);
    const sha256 = createHash('sha256').update(file).digest('hex');
    payloads[sha256] = deflateRawSync(file, { level: 9 }).toString('base64');
    known[key] = { sha256, size: file.length };
    try {
      buildIds.set(key, new Elf(Buffer.from(file)).buildId());
    } catch {
      // So broken that it has none: no other payload can name it.
    }
  }
  const session = new Session(host, files, normaliser(symbols, buildIds));
  const results: RecordedStep[] = [];
  for (const step of each.steps) {
    const result = await session.step(step, each.noDump !== true);
    results.push(result);
    if (result.died !== undefined) break;
  }
  const { cpu = 'max,-smap', smp = 1 } = each;
  return { name: each.name, cpu, smp, payloads: known, results };
}

await main();
