import type { PatchContext } from '../arch/index.ts';
import type { AddressSpace } from '../machine/index.ts';
import type { Release } from '../xen/index.ts';
import { type Hypervisor, within } from './hypervisor.ts';
import { HostStop } from './stop.ts';
import { textAliasOf } from './text-alias.ts';
import { assertionFails } from './virtual-region.ts';

/** Returns the context of the architecture's patching code. `host` returns the hypervisor that this becomes part of. */
export function patchContext(release: Release, memory: AddressSpace, host: () => Hypervisor): PatchContext {
  return {
    memory,
    release,
    nops: (length) => {
      const { arch, options } = host();
      return arch.processors.nops(options.processor, length);
    },
    textAlias: (address) => textAliasOf(host(), address),
    cleanDataCache: (address, length) => host().caches.cleanDataCache(address, length),
    within: (name, body) => within(host(), name, body),
    log: (level, text) => host().log.printk(level, '%s', text),
    assertionFails: (where, condition, file) => assertionFails(host(), where, condition, file),
    reset: (why) => {
      throw new HostStop({ kind: 'reset', why });
    },
  };
}
