import type { NopFamily } from './nops.ts';

export type Vendor = 'Intel' | 'AMD' | 'Hygon' | 'Centaur' | 'Shanghai' | 'Arm';

/** The host's processor as Xen sees it after boot. Decides the NOPs, the alternatives that apply, and the use of CET. */
export interface Processor {
  /** The argument of `--cpu`. */
  readonly name: string;
  readonly title: string;
  readonly vendor: Vendor;
  readonly family: number;
  readonly model: number;
  /**
   * Words of the featureset from CPUID, after Xen's command line. Word n holds features 32n … 32n+31 of public/arch-x86/cpufeatureset.h,
   * the same in all releases.
   */
  readonly featureset: readonly number[];
  /** Xen's own features, X86_SYNTH(n) as bit n. asm-x86/cpufeatures.h. */
  readonly synthetic: number;
  /** X86_BUG(n) as bit n. */
  readonly bugs: number;
  /** Xen's own use of CET. */
  readonly cet: { readonly shadowStacks: boolean; readonly indirectBranchTracking: boolean };
}

/** arch_init_ideal_nops: P6 NOPs, except on processors where they are slow. Source: xen/arch/x86/alternative.c. */
export function nopFamily({ vendor, family, model }: Processor): NopFamily {
  if (vendor === 'AMD') return family <= 0xf ? 'K8' : 'P6';
  if (vendor === 'Intel' && family === 6) {
    const slow = K8_MODELS.some(([from, to]) => model >= from && model <= to);
    return slow ? 'K8' : 'P6';
  }
  return 'P6';
}

const K8_MODELS: readonly (readonly [number, number])[] = [
  [0x0f, 0x1b],
  [0x1d, 0x25],
  [0x28, 0x2f],
];

/**
 * boot_cpu_has() for a release whose capability array ends at `featureLimit`. The array has the featureset's words, one of synthetic
 * features and, since 4.13 (13 words), one of bugs.
 */
export function hasFeature(processor: Processor, feature: number, featureLimit: number): boolean {
  const word = feature >> 5;
  const words = featureLimit >> 5;
  const bugWord = words >= FIRST_WITH_BUG_WORD ? words - 1 : -1;
  const syntheticWord = bugWord === -1 ? words - 1 : words - 2;
  if (word >= words) return false;
  let bits: number;
  if (word === syntheticWord) bits = processor.synthetic;
  else if (word === bugWord) bits = processor.bugs;
  else bits = processor.featureset[word] ?? 0;
  return ((bits >>> (feature & 31)) & 1) === 1;
}

const FIRST_WITH_BUG_WORD = 13;
