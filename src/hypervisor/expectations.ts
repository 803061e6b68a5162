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

/** One entry of a loaded payload's `.livepatch.funcs`, read from its memory now. */
export interface LoadedFunc extends LivepatchFunc {
  /** Address of the entry. */
  readonly entry: Address;
  /** The text that `name` points to, as `%s` prints it; `null` for a null pointer. */
  readonly text: string | null;
}

/** Longest function name that is read for a message. */
const NAME_LIMIT = 1024;

/** The functions of a payload, as they stand in its memory. */
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
 * livepatch_check_expectations: does the memory at every function hold what the payload's author expected there? Compared at old_addr itself,
 * also where an ENDBR64 stands there. Since 8e24c88788 (4.14).
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
  const no = (errno: Errno, message: string): Errno => {
    report(hv, 'error', 'expectation', message, where);
    return errno;
  };
  if (func.oldAddr === 0n) return no('EFAULT', 'an expectation of a function without an address');
  if (len > LIVEPATCH_OPAQUE_SIZE) return no('EOVERFLOW', `an expectation of ${len} bytes`);
  if (rsv !== 0) return no('EINVAL', 'the reserved bits of the expectation are set');
  if (func.oldSize < len) return no('ERANGE', `${len} bytes are expected of a function of ${func.oldSize}`);
  const actual = hv.machine.space.read(func.oldAddr, len);
  const expected = data.subarray(0, len);
  if (equalBytes(actual, expected)) return null;
  const template = 'expectation failed: expected:%*phN, actual:%*phN';
  new Refuser(hv, LIVEPATCH_C, func.text ?? '<NULL>').error(template, len, expected, len, actual);
  return no('EINVAL', `expected ${hex(expected)}, found ${hex(actual)}`);
}
