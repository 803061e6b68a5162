import type { ProcessorRules } from '../processor-rules.ts';
import type { Processor } from '../x86_64/processor.ts';
import { wordBytes } from './patch.ts';

/**
 * Capabilities of an Arm host: bit numbers in `cpu_hwcaps`. Source: asm-arm/cpufeature.h, 4.17; older releases use other
 * numbers from 11 on.
 */
export const ARM_CAPABILITIES: Readonly<Record<string, number>> = {
  'clean-cache': 0,
  'device-load-acquire': 1,
  '766422': 2,
  '834220': 3,
  livepatch: 4,
  'harden-branch-predictor': 6,
  ssbd: 7,
  'smccc-1.1': 8,
  'at-speculate': 9,
  '858921': 10,
  'repeat-tlbi': 11,
  'bhb-loop-8': 12,
  'bhb-loop-24': 13,
  'bhb-loop-32': 14,
  'bhb-smcc-3': 15,
  sb: 16,
  '1508412': 17,
};

/** Makes a processor with the workarounds that Xen enables for it. LIVEPATCH_FEATURE is always on with CONFIG_LIVEPATCH. */
function armProcessor(name: string, title: string, midr: number, capabilities: readonly string[]): Processor {
  const bits = ['livepatch', ...capabilities].reduce((all, each) => all | (1 << (ARM_CAPABILITIES[each] as number)), 0);
  return {
    name,
    title,
    vendor: 'Arm',
    // Variant and revision, and part number, of MIDR.
    family: ((midr >>> 20) & 0xf) * 16 + (midr & 0xf),
    model: (midr >>> 4) & 0xfff,
    featureset: [bits >>> 0],
    synthetic: 0,
    bugs: 0,
    cet: { shadowStacks: false, indirectBranchTracking: false },
  };
}

const named = (all: readonly Processor[]): Readonly<Record<string, Processor>> =>
  Object.fromEntries(all.map((each) => [each.name, each]));

/**
 * Presets with the MIDR of QEMU 7.2, and without the firmware interfaces of SMCCC 1.1. Capabilities: xen/arch/arm/cpuerrata.c.
 */
export const ARM64_PROCESSORS = named([
  armProcessor('cortex-a53', 'Arm Cortex-A53 r0p4', 0x410f_d034, []),
  armProcessor('cortex-a57', 'Arm Cortex-A57 r1p0', 0x411f_d070, [
    'device-load-acquire',
    '834220',
    'harden-branch-predictor',
    'at-speculate',
  ]),
  armProcessor('cortex-a72', 'Arm Cortex-A72 r0p3', 0x410f_d083, ['harden-branch-predictor', 'at-speculate']),
  armProcessor('neoverse-n1', 'Arm Neoverse N1 r4p1', 0x414f_d0c1, ['bhb-loop-24']),
]);

export const ARM32_PROCESSORS = named([
  armProcessor('cortex-a7', 'Arm Cortex-A7 r0p5', 0x410f_c075, []),
  armProcessor('cortex-a15', 'Arm Cortex-A15 r2p1', 0x412f_c0f1, ['harden-branch-predictor']),
]);

/** Makes the processor rules of arm64 or arm32: a preset, followed by `+capability` or `-capability`. */
export function armProcessors(
  presets: Readonly<Record<string, Processor>>,
  standard: string,
  nop: number,
): ProcessorRules {
  return {
    standard,
    example: `--cpu ${standard},+smccc-1.1`,
    parse: (text) => parse(presets, text),
    hasFeature: ({ featureset }, feature, limit) =>
      feature < limit && feature < 32 && (((featureset[0] ?? 0) >>> feature) & 1) === 1,
    nops: (_processor, length) => wordBytes(nop, Math.floor(length / 4)),
    toolchainNopsIdeal: () => true,
  };
}

function parse(presets: Readonly<Record<string, Processor>>, text: string): Processor | string {
  const [name = '', ...settings] = text.split(',');
  const preset = Object.hasOwn(presets, name) ? presets[name] : undefined;
  if (preset === undefined) return `unknown processor ${name}: must be one of ${Object.keys(presets).join(', ')}`;
  let bits = preset.featureset[0] ?? 0;
  for (const setting of settings) {
    const sign = setting.charAt(0);
    const capability = setting.slice(1);
    if (sign !== '+' && sign !== '-') return `invalid processor setting ${setting}: must be +capability or -capability`;
    if (!Object.hasOwn(ARM_CAPABILITIES, capability)) return `unknown processor capability ${capability}`;
    const bit = 1 << (ARM_CAPABILITIES[capability] as number);
    bits = sign === '+' ? bits | bit : bits & ~bit;
  }
  return { ...preset, name: text, featureset: [bits >>> 0] };
}
