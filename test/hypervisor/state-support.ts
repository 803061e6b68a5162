import { SHF_ALLOC, SHF_WRITE } from '../../src/elf/index.ts';
import type { Hypervisor, SimulatedTarget } from '../../src/hypervisor/index.ts';
import { encodeExpectation, LIVEPATCH_STATE_NAMES, RELEASES } from '../../src/xen/index.ts';
import { actionNow, uploadNow } from '../support/answers.ts';
import { buildPayload, type FunctionSpec, type PayloadSpec } from '../support/elf-builder.ts';
import { bootHost, type HostSettings, miniatureImage, releaseNamed } from './support.ts';

/** Payloads for the miniature image, valid for their release unless a test changes that. */

/** A build-id of 20 equal bytes. */
export const id = (byte: number): Uint8Array => new Uint8Array(20).fill(byte);

/** Hex digits of {@link id}. */
export const idText = (byte: number): string => byte.toString(16).padStart(2, '0').repeat(20);

/** The miniature image's own build-id. */
export const xenId = (): Uint8Array => miniatureImage().buildId as Uint8Array;

/** Functions of the miniature image: sizes and first bytes from `readelf` and `objdump`. */
export const EXTRA_VERSION = { name: 'xen_extra_version', address: 0xffff82d040200580n, size: 8 };
export const CHANGESET = { name: 'xen_changeset', address: 0xffff82d040200590n, size: 8 };
export const COMPILE_DATE = { name: 'xen_compile_date', address: 0xffff82d0402005a0n, size: 8 };
/** Starts with ENDBR64. */
export const KERNEL_DUMP_STATE = { name: 'common/kernel.c#dump_state', address: 0xffff82d040200160n, size: 28 };

/** An entry that replaces one of the functions above. */
export const patch = (
  { name, size }: { readonly name: string; readonly size: number },
  more: Partial<FunctionSpec> = {},
): FunctionSpec => ({ name, oldSize: size, ...more });

/** An expectation that is enabled. */
export const expectation = (data: readonly number[], more: { len?: number; rsv?: number } = {}): Uint8Array =>
  encodeExpectation({ enabled: true, len: data.length, rsv: 0, data: Uint8Array.from(data), ...more });

export interface StatePayload extends PayloadSpec {
  /** The release whose layout and version the payload has; 4.18.1 by default. */
  readonly release?: string;
  /** Bytes of a `.data` section. */
  readonly data?: number;
}

/** `.livepatch.funcs` as GCC emits it. */
export const WRITABLE = SHF_ALLOC | SHF_WRITE;

/** A payload that replaces xen_extra_version, for the miniature image and a release. Every release accepts its writable `.livepatch.funcs`. */
export function payloadFor(spec: StatePayload = {}): Uint8Array {
  const { release = '4.18.1', data, more, ...rest } = spec;
  return buildPayload({
    layout: releaseNamed(release).funcLayout,
    functions: [patch(EXTRA_VERSION)],
    funcsFlags: WRITABLE,
    depends: xenId(),
    xenDepends: xenId(),
    ...rest,
    more: (builder) => {
      if (data !== undefined) builder.fields('.data', data, WRITABLE, 8);
      more?.(builder);
    },
  });
}

/** A host with payloads uploaded, each under its name, and some of them applied. */
export function hostWith(
  payloads: Readonly<Record<string, StatePayload>>,
  settings: HostSettings & { readonly applied?: readonly string[] } = {},
): SimulatedTarget {
  const { applied = [], ...host } = settings;
  const target = bootHost(host);
  for (const [name, spec] of Object.entries(payloads)) {
    const bytes = payloadFor({ ...(host.release !== undefined && { release: host.release }), ...spec });
    expectZero(uploadNow(target, name, bytes), `upload of ${name}`, target.hypervisor);
  }
  for (const name of applied) expectZero(actionNow(target, name, 'apply'), `apply of ${name}`, target.hypervisor);
  quiet(target);
  return target;
}

function expectZero(rc: number | null, what: string, hypervisor: Hypervisor): void {
  if (rc === 0) return;
  const console = hypervisor.machine.console.take().join('\n');
  const panic = hypervisor.stopped?.panic?.screen.join('\n') ?? '';
  throw new Error(`${what}: ${rc}\n${console}\n${panic}`);
}

/** Discards console lines and findings. */
export function quiet(target: SimulatedTarget): void {
  target.hypervisor.machine.console.take();
  target.takeFindings();
}

/** State and rc of a payload from GET; `null` if there is none. */
export async function status(
  target: SimulatedTarget,
  name: string,
): Promise<readonly [state: string, rc: number] | null> {
  const got = await target.get(name);
  return got.kind === 'found' ? [LIVEPATCH_STATE_NAMES.get(got.state) ?? String(got.state), got.statusRc] : null;
}

/** Names of the applied payloads, the oldest first. */
export const stack = (target: SimulatedTarget): string[] => target.hypervisor.applied.map(({ name }) => name);

/** Console lines since the last call. */
export const lines = (target: SimulatedTarget): string[] => target.hypervisor.machine.console.take();

/** Memory of the host in hex. */
export const memory = (target: SimulatedTarget, address: bigint, length: number): string =>
  Buffer.from(target.hypervisor.machine.space.read(address, length)).toString('hex');

/** All tags of the release table, oldest branch first. */
export const ALL_RELEASES: readonly string[] = RELEASES.map(({ version }) => version);

/** Whether a list of ranges contains a tag; ranges as in the facts: `4.16.4-4.16.7`, `4.17.1`. */
export function among(version: string, ranges: readonly string[]): boolean {
  const number = (text: string): number => {
    const [, minor = 0, point = 0] = text.split('.').map(Number);
    return minor * 100 + point;
  };
  return ranges.some((range) => {
    const [from = '', to = from] = range.split('-');
    return number(version) >= number(from) && number(version) <= number(to);
  });
}

/** Changes memory like a debugger, regardless of the page tables. */
export function poke(target: SimulatedTarget, address: bigint, bytes: readonly number[]): void {
  const span = target.hypervisor.machine.space.span(address, bytes.length);
  if (span === undefined) throw new Error('not mapped in one piece');
  span.set(bytes);
}
