import { type Address, addOffset, equalBytes, hex, viewOf } from '../base/index.ts';
import {
  decodeExpectation,
  ERRNO,
  type Errno,
  LIVEPATCH_EXPECTATION_SIZE,
  LIVEPATCH_OPAQUE_SIZE,
  type LivepatchFunc,
  livepatchFunc,
  PAGE_SIZE,
} from '../xen/index.ts';
import { type Hypervisor, report, within } from './hypervisor.ts';
import type { LoadedPayload } from './payload.ts';
import { LIVEPATCH_C, Refuser } from './refusal.ts';

/** One entry of a loaded payload's `.livepatch.funcs`, as its memory holds it now. */
export interface LoadedFunc extends LivepatchFunc {
  /** Address of the entry. */
  readonly entry: Address;
  /** The string at `name`, as `%s` prints it; `null` for a null pointer. */
  readonly text: string | null;
}

/** Longest function name read for a message. */
const NAME_LIMIT = 1024;

/** Yields a payload's functions as its memory holds them now. */
export function* functionsOf(hv: Hypervisor, payload: LoadedPayload): Generator<LoadedFunc> {
  const layout = livepatchFunc(hv.release.funcLayout, hv.arch.elf.pointerSize);
  const { addr, count } = payload.funcs;
  for (let i = 0; i < count; i++) {
    const entry = addOffset(addr, i * layout.size);
    const func = layout.read(viewOf(hv.machine.space.read(entry, layout.size)), 0);
    yield {
      ...func,
      entry,
      get text() {
        if (func.name === 0n) return null;
        // `%s` does not follow a pointer into the first page. Source: xen/common/vsprintf.c, vsnprintf.
        return func.name < BigInt(PAGE_SIZE) ? '<NULL>' : hv.machine.space.readCString(func.name, NAME_LIMIT);
      },
    };
  }
}

/**
 * livepatch_check_expectations: checks that the memory of every function matches what the payload expects. Compares at old_addr itself, even if
 * there is an ENDBR64. Since 8e24c88788 (4.14).
 */
export function checkExpectations(hv: Hypervisor, payload: LoadedPayload): number {
  if (!hv.release.expectations) return 0;
  return within(hv, 'livepatch_check_expectations', () => {
    hv.log.printk('INFO', 'livepatch: %s: Verifying enabled expectations for all functions', payload.name);
    for (const func of functionsOf(hv, payload)) {
      const errno = checkExpectation(hv, func);
      if (errno === null) continue;
      const rc = -ERRNO[errno];
      const template = 'expectations of %s failed (rc=%d), aborting!';
      new Refuser(hv, LIVEPATCH_C, payload.name).error(template, func.text ?? 'unknown', rc);
      return rc;
    }
    return 0;
  });
}

function checkExpectation(hv: Hypervisor, func: LoadedFunc): Errno | null {
  const { expect } = livepatchFunc(hv.release.funcLayout, hv.arch.elf.pointerSize).at;
  if (expect === undefined) return null;
  const bytes = hv.machine.space.read(addOffset(func.entry, expect), LIVEPATCH_EXPECTATION_SIZE);
  const { enabled, len, rsv, data } = decodeExpectation(bytes);
  if (!enabled) return null;
  const where = { symbol: func.text ?? 'unknown', address: func.oldAddr, length: len };
  const refuse = (errno: Errno, message: string): Errno => {
    report(hv, 'expectation', message, where);
    return errno;
  };
  if (func.oldAddr === 0n) return refuse('EFAULT', 'the expectation is for a function without an address');
  if (len > LIVEPATCH_OPAQUE_SIZE)
    return refuse('EOVERFLOW', `the expectation has ${len} bytes, more than ${LIVEPATCH_OPAQUE_SIZE}`);
  if (rsv !== 0) return refuse('EINVAL', 'reserved bits of the expectation are set');
  if (func.oldSize < len)
    return refuse('ERANGE', `the expectation has ${len} bytes, more than the function's ${func.oldSize}`);
  const actual = hv.machine.space.read(func.oldAddr, len);
  const expected = data.subarray(0, len);
  if (equalBytes(actual, expected)) return null;
  const template = 'expectation failed: expected:%*phN, actual:%*phN';
  new Refuser(hv, LIVEPATCH_C, func.text ?? '<NULL>').error(template, len, expected, len, actual);
  return refuse('EINVAL', `expected ${hex(expected)}, found ${hex(actual)}`);
}
