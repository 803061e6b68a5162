import { PAGE_SIZE } from '../arch/index.ts';
import { type Address, toNumber } from '../base/index.ts';
import { argument, type SimulatedCall, type SimulatedFunction, simulatedBecause } from './simulated-function.ts';
import { HostStop } from './stop.ts';

/** The hypervisor's heaps. Sources: xen/common/xmalloc_tlsf.c, xen/common/page_alloc.c, xen/common/vmap.c. */

/** Largest alignment that is granted. */
const MOST_ALIGNED = 1 << 20;

function allocate({ runner }: SimulatedCall, size: bigint, align: bigint): Address {
  const bytes = toNumber(size) ?? Number.MAX_SAFE_INTEGER;
  const alignment = Number(align);
  if (bytes > runner.heap.limit || alignment > MOST_ALIGNED || (alignment & (alignment - 1)) !== 0) return 0n;
  return runner.heap.allocate(bytes, Math.max(alignment, 1));
}

function zeroed(call: SimulatedCall, size: bigint, align: bigint): Address {
  const address = allocate(call, size, align);
  // Freed memory keeps its old contents.
  if (address !== 0n) call.hv.machine.space.write(address, new Uint8Array(call.runner.heap.sizeOf(address) ?? 0));
  return address;
}

function free(call: SimulatedCall, address: Address): undefined {
  if (address !== 0n && !call.runner.heap.free(address)) {
    const why = `${call.name} was passed 0x${address.toString(16)}, which is not an allocated address`;
    throw new HostStop({ kind: 'corruption', why });
  }
}

/** _xrealloc: keeps the contents that fit. */
function reallocate(call: SimulatedCall): Address {
  const old = argument(call, 0);
  const size = argument(call, 1);
  if (size === 0n) {
    free(call, old);
    return 0n;
  }
  const address = allocate(call, size, argument(call, 2));
  if (address === 0n || old === 0n) return address;
  const { space } = call.hv.machine;
  const kept = Math.min(call.runner.heap.sizeOf(old) ?? 0, Number(size));
  space.write(address, space.read(old, kept));
  free(call, old);
  return address;
}

const pages = (order: bigint): bigint => BigInt(PAGE_SIZE) << (order & 31n);

/** ZERO_BLOCK_PTR. */
const zeroBlock = ({ hv }: SimulatedCall): Address => hv.arch.execution.layout.zeroBlock;

const simulated = simulatedBecause('the heap is set up at boot, and no boot has taken place');

export const SIMULATED_MEMORY: readonly SimulatedFunction[] = [
  simulated(['_xmalloc', '_xvmalloc'], (call) =>
    argument(call, 0) === 0n ? zeroBlock(call) : allocate(call, argument(call, 0), argument(call, 1)),
  ),
  simulated(['_xzalloc', '_xvzalloc'], (call) =>
    argument(call, 0) === 0n ? zeroBlock(call) : zeroed(call, argument(call, 0), argument(call, 1)),
  ),
  simulated(['_xrealloc', '_xvrealloc'], reallocate),
  simulated(['xfree', 'xvfree'], (call) =>
    argument(call, 0) === zeroBlock(call) ? undefined : free(call, argument(call, 0)),
  ),
  simulated(['alloc_xenheap_pages'], (call) =>
    allocate(call, pages(argument(call, 0) & 0xffff_ffffn), BigInt(PAGE_SIZE)),
  ),
  simulated(['free_xenheap_pages'], (call) => free(call, argument(call, 0))),
  simulated(['vmalloc', 'vmalloc_xen'], (call) => allocate(call, argument(call, 0), BigInt(PAGE_SIZE))),
  simulated(['vzalloc'], (call) => zeroed(call, argument(call, 0), BigInt(PAGE_SIZE))),
  simulated(['vfree'], (call) => free(call, argument(call, 0))),
];
