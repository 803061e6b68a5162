import { type Address, addOffset, viewOf } from '../../base/index.ts';
import { X86_DEFAULT_NR_CPUS, x86VmapXen, x86XenVirt } from '../../xen/index.ts';
import type { ImageFacts, ImageRegion, ImageRules } from '../image-rules.ts';
import type { LinkerSymbolName } from '../linker-symbol-names.ts';
import { ENDBR64_LEN, ENDBR64_POISON, isEndbr64 } from './endbr.ts';

/** Source: xen/arch/x86/xen.lds.S. */
function regions({ needed }: ImageFacts): readonly ImageRegion[] {
  const region = (name: ImageRegion['name'], start: LinkerSymbolName, end: LinkerSymbolName): ImageRegion => ({
    name,
    start: needed(start),
    end: needed(end),
  });
  return [
    region('text', '_start', '__2M_text_end'),
    region('rodata', '__2M_rodata_start', '__2M_rodata_end'),
    region('init', '__2M_init_start', '__2M_init_end'),
    region('rwdata', '__2M_rwdata_start', '__2M_rwdata_end'),
  ];
}

/** Returns a function's code after its ENDBR64, if it has one. */
function body(code: Uint8Array, at: Address): { readonly bytes: Uint8Array; readonly address: Address } {
  const endbr = isEndbr64(code.subarray(0, ENDBR64_LEN)) ? ENDBR64_LEN : 0;
  return { bytes: code.subarray(endbr), address: addOffset(at, endbr) };
}

export const X86_64_IMAGE: ImageRules = {
  title: 'x86-64',
  // From XEN_VIRT_START of the newer layout to XEN_VIRT_END of the older one.
  linkable: { start: x86XenVirt({ x86Layout: '4.14' }).start, end: x86XenVirt({ x86Layout: '4.7' }).end },
  superpages: true,
  regions,
  vmapXen: ({ needed, linker, configured, nrCpus }, release) =>
    x86VmapXen(release, {
      end: needed('_end'),
      rwdataEnd: linker('__2M_rwdata_end'),
      nrCpus: nrCpus ?? X86_DEFAULT_NR_CPUS,
      hypervGuest: configured('CONFIG_HYPERV_GUEST'),
    }),
  symbolsOrigin: (release) => x86XenVirt(release).start,
  // `mov $imm32, %eax; ret`
  constantReturned(code) {
    const { bytes } = body(code, 0n);
    return bytes.length < 5 || bytes[0] !== 0xb8 ? undefined : viewOf(bytes).getUint32(1, true);
  },
  constantSize: 5,
  // `lea text(%rip), %rax`
  addressReturned(code, at) {
    const { bytes, address } = body(code, at);
    if (bytes.length < 7 || bytes[0] !== 0x48 || bytes[1] !== 0x8d || bytes[2] !== 0x05) return undefined;
    return addOffset(address, 7 + viewOf(bytes).getInt32(3, true));
  },
  /** Overwrites ENDBR64 at the targets listed in __initdata_cf_clobber. 37ed5da851 (4.17). */
  finish(memory, pointers, core) {
    const table = pointers('__initdata_cf_clobber_start', '__initdata_cf_clobber_end');
    for (let at = 0; at + 8 <= table.byteLength; at += 8) {
      const target = table.getBigUint64(at, true);
      if (target < core.start || target >= core.end) continue;
      const offset = Number(target - memory.base);
      if (isEndbr64(memory.read(offset, ENDBR64_LEN))) memory.write(offset, Uint8Array.from(ENDBR64_POISON));
    }
  },
};
