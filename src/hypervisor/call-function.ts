import { type Address, fromLatin1, nearestNames, XspliceError } from '../base/index.ts';
import type { CallArgument, CallResult, FunctionCall } from '../xen/index.ts';
import type { CodeRunner } from './code-port.ts';
import { CoverageRecorder } from './coverage.ts';
import { enter } from './front-door.ts';
import { missingCpu } from './host-options.ts';
import type { Hypervisor } from './hypervisor.ts';

/** Most arguments per call. */
const MOST_ARGUMENTS = 32;

/**
 * Calls a function as the hypervisor would on behalf of dom0 and returns the outcome. If the host dies, `hv.stopped` says why. Throws an
 * XspliceError: EUSAGE for an unknown function or CPU, or too many arguments; ETOOL without a processor; EHOST if the host is already down.
 */
export function callFunction(hv: Hypervisor, request: FunctionCall): CallResult {
  const { code } = hv;
  if (code === null) {
    const { message, hint } = missingCpu(hv.options);
    throw new XspliceError('ETOOL', `cannot run code: ${message}`, hint);
  }
  if (hv.stopped !== null) throw new XspliceError('EHOST', 'the host is down and runs no more code');
  const cpu = request.cpu ?? 0;
  const { cpus } = hv.machine;
  if (cpu < 0 || cpu >= cpus.length) {
    throw new XspliceError('EUSAGE', `no CPU ${cpu}: the host has ${cpus.length}`, 'add more with --cpus');
  }
  if (request.args.length > MOST_ARGUMENTS) {
    throw new XspliceError('EUSAGE', `too many arguments: ${request.args.length}, at most ${MOST_ARGUMENTS}`);
  }
  const entry = findFunction(hv, request.function);
  const observer = new CoverageRecorder(hv);
  const memory = placeArguments(code, hv, request.args);
  try {
    const result = enter(hv, () =>
      code.call(entry, memory.values, { cpu, interrupts: true, current: 'dom0' }, { observer }),
    );
    return {
      result: result ?? null,
      instructions: observer.instructions,
      entered: observer.entered,
      coverage: observer.coverage(),
      buffers: memory.buffers(),
    };
  } finally {
    memory.free();
  }
}

/** Arguments in the host's memory. */
interface PlacedArguments {
  readonly values: readonly bigint[];
  /** Returns the buffers' current contents. */
  buffers(): Uint8Array[];
  free(): void;
}

function placeArguments(
  { heap }: CodeRunner,
  { machine, arch }: Hypervisor,
  args: readonly CallArgument[],
): PlacedArguments {
  const bits = 8 * arch.elf.pointerSize;
  const placed: { address: Address; length: number; buffer: boolean }[] = [];
  const place = (bytes: Uint8Array, buffer: boolean): Address => {
    const address = heap.allocate(bytes.length);
    if (address === 0n)
      throw new XspliceError('EUSAGE', `arguments of ${bytes.length} bytes do not fit into the host's memory`);
    machine.space.write(address, bytes);
    placed.push({ address, length: bytes.length, buffer });
    return address;
  };
  const values = args.map((arg) => {
    if (arg.kind === 'int') {
      const { value } = arg;
      if (value === BigInt.asUintN(bits, value) || value === BigInt.asIntN(bits, value))
        return BigInt.asUintN(bits, value);
      throw new XspliceError('EUSAGE', `${value} does not fit into a ${bits}-bit argument`);
    }
    return arg.kind === 'string' ? place(fromLatin1(`${arg.text}\0`), false) : place(arg.bytes, true);
  });
  return {
    values,
    buffers: () =>
      placed.filter(({ buffer }) => buffer).map(({ address, length }) => machine.space.read(address, length)),
    free: () => {
      for (const { address } of placed) heap.free(address);
    },
  };
}

/**
 * Returns a function's address. Looks the name up in the hypervisor's own table, then in loaded payloads (`name`, or `name [PAYLOAD]` as it is
 * printed), then among the hypervisor's static functions without their file, if it is unique there.
 */
function findFunction(hv: Hypervisor, name: string): Address {
  const known = hv.symbols.byName(name);
  if (known !== 0n) return known;
  for (const payload of hv.payloads) {
    const found = payload.symtab.find((symbol) => symbol.name === name || `${symbol.name} [${payload.name}]` === name);
    if (found !== undefined) return found.value;
  }
  const names = [...hv.symbols.names()];
  const statics = names.filter((each) => each.endsWith(`#${name}`));
  if (statics.length === 1) return hv.symbols.byName(statics[0] as string);
  if (statics.length > 1) {
    const hint = `use one of: ${statics.slice(0, 4).join(', ')}`;
    throw new XspliceError('EUSAGE', `ambiguous function ${name}: ${statics.length} matches`, hint);
  }
  const payloads = hv.payloads.flatMap((payload) => payload.symtab.map((symbol) => symbol.name));
  const nearest = nearestNames(name, [...payloads, ...names]);
  const hint = nearest.length === 0 ? undefined : `did you mean ${nearest.join(', ')}?`;
  throw new XspliceError('EUSAGE', `neither the hypervisor nor a loaded payload has a function ${name}`, hint);
}
