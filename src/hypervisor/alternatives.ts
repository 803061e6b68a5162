import type { RelativeMemory, WholeAlternativesHost } from '../arch/index.ts';
import { type Address, addOffset, hexAddress } from '../base/index.ts';
import { type AlternativeRules, ELF_ALTINSTRUCTIONS, PAGE_SIZE, type Release } from '../xen/index.ts';
import { checkAligned } from './aligned-access.ts';
import { type Hypervisor, report } from './hypervisor.ts';
import type { Image } from './image.ts';
import { bugLines } from './image-bug-frames.ts';
import type { LoadedPayload } from './payload.ts';
import { relativeMemory } from './relative-memory.ts';
import { HostStop } from './stop.ts';
import { symbolText } from './symbol-text.ts';
import { isActiveKernelText } from './trap-tables.ts';

/** Returns the host for applying a payload's alternatives: it writes to the payload's own memory before that is secured. */
export function alternativesHost(hv: Hypervisor, payload: LoadedPayload): WholeAlternativesHost {
  const { space } = hv.machine;
  const window = space.span(payload.text.addr, payload.pages * PAGE_SIZE) ?? new Uint8Array(0);
  const memory = relativeMemory(space, payload.text.addr, window);
  return hostOf(hv, hv.alternativeRules, { ...memory, write: withinText(hv, payload, memory) }, 'trap');
}

/** Reports writes outside of the text: Xen pads the original without checking where the text ends, and old releases check nothing. */
function withinText(hv: Hypervisor, payload: LoadedPayload, memory: RelativeMemory): RelativeMemory['write'] {
  const { text, ro } = payload;
  const tables = Number(ro.addr - text.addr);
  let reported = false;
  return (offset, bytes) => {
    const inText = offset >= 0 && offset + bytes.length <= text.size;
    // Applied marks go into the table itself, in the read-only data.
    const inTables = offset >= tables && offset + bytes.length <= tables + ro.size && bytes.length === 1;
    if (!inText && !inTables && !reported) {
      reported = true;
      const address = addOffset(text.addr, offset);
      const message = `an alternative writes ${bytes.length} bytes at ${hexAddress(address)}, outside the payload's text`;
      report(hv, 'stray-write', message, { section: ELF_ALTINSTRUCTIONS, address });
    }
    memory.write(offset, bytes);
  };
}

/**
 * Returns the host for applying the hypervisor's own alternatives at boot; `memory` is its image. It follows the image's own release even if
 * payloads are held to another release's rules, and prints nothing.
 */
export const bootAlternativesHost = (hv: Hypervisor, memory: RelativeMemory): WholeAlternativesHost => ({
  ...hostOf(hv, imageRules(hv.image, hv.image.release?.release ?? hv.release), memory, 'defer'),
  log: () => {},
  callback: (address, orig) => bootCallback(hv, memory, address, orig),
  // No payload is loaded yet, and caches are off.
  cleanDataCache: () => {},
  invalidateInstructionCache: () => {},
});

/**
 * Returns a release's rules, adapted to this image. Vendors backport features before the next point release: then the image's own table
 * names features above the release's limit, and the feature array has room for them.
 */
export function imageRules(image: Image, release: Release): AlternativeRules {
  const rules = release.alternatives;
  const own = (image.release?.release ?? release) === release;
  return { ...rules, featureLimit: image.arch.alternatives.featureLimit(rules, own ? image.highestFeature : -1) };
}

function hostOf(
  hv: Hypervisor,
  rules: AlternativeRules,
  memory: RelativeMemory,
  nullCalls: 'defer' | 'trap',
): WholeAlternativesHost {
  const { image, machine } = hv;
  const { processor } = hv.options;
  const { processors, alternatives } = hv.arch;
  return {
    memory,
    rules,
    nullCalls,
    hasFeature: (feature) => processors.hasFeature(processor, feature, rules.featureLimit),
    nops: memoised((length) => processors.nops(processor, length)),
    // If the assembler supports `.nops`, the build keeps a sample to compare with.
    toolchainNopsIdeal: processors.toolchainNopsIdeal(processor) && image.linker('toolchain_nops') !== undefined,
    ibtBuild: image.configured('CONFIG_XEN_IBT'),
    returnThunk: image.configured('CONFIG_RETURN_THUNK') ? image.linker('__x86_return_thunk') : undefined,
    readPointer: (address) => machine.space.readU64(address),
    read: (address, length) => machine.space.read(address, length),
    log: (level, template, ...args) => hv.log.printk(level, template, ...args),
    symbol: (address) => symbolText(hv, address),
    isActiveText: (address) => isActiveKernelText(hv, address),
    callback: (address) => callback(hv, address),
    checkWord: (address, kind) => checkAligned(hv, address, 4, kind),
    cleanDataCache: (address, length) => hv.caches.cleanDataCache(address, length),
    invalidateInstructionCache: () => hv.caches.invalidateInstructionCache(),
    bug: (index, why, where) => {
      if (where !== undefined) hv.frames.push(where);
      // The image's own bug frames have the lines, in this order.
      const lines = bugLines(hv, alternatives.bugFunction, alternatives.file);
      throw new HostStop({ kind: 'bug', file: alternatives.file, line: lines[index], why });
    },
  };
}

/**
 * Does what a callback of the hypervisor's own alternatives does at boot, for firmware that reports no workarounds. Instructions of other
 * callbacks stay as in the file.
 */
function bootCallback(hv: Hypervisor, memory: RelativeMemory, address: Address, orig: Address): void {
  const { arch, options, symbols } = hv;
  if (!arch.alternatives.nopCallbacks.some((name) => symbols.byName(name) === address)) return;
  memory.write(Number(orig - memory.base), arch.processors.nops(options.processor, arch.patchInsnSize));
}

/** Stops the host for an entry that names a function to generate the instructions. */
function callback(hv: Hypervisor, address: Address): void {
  // The payload's own text is not executable until its pages are secured.
  hv.machine.space.check(address, 4, 'fetch');
  const why = `an alternative calls ${symbolText(hv, address)} to generate code, which is not simulated`;
  throw new HostStop({ kind: 'corruption', why });
}

/** Caches NOPs by length, since the image has thousands of places for them. Callers must not write to the result. */
function memoised(make: (length: number) => Uint8Array): (length: number) => Uint8Array {
  const known: Uint8Array[] = [];
  return (length) => {
    known[length] ??= make(length);
    return known[length] as Uint8Array;
  };
}
