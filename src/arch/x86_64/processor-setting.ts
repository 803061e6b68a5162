import { X86_FEATURES } from './features.ts';
import type { Processor, Vendor } from './processor.ts';
import { CPU_PRESETS } from './processors.ts';

const VENDORS: readonly Vendor[] = ['Intel', 'AMD', 'Hygon', 'Centaur', 'Shanghai'];

/** Bits of Xen's synthetic features X86_FEATURE_XEN_SHSTK and _XEN_IBT. */
const XEN_CET = { shstk: 26, ibt: 27 } as const;

/**
 * Parses a processor in the format of `--cpu`: `PRESET[,SETTING…]`. A setting is `+feature` or `-feature`, `+shstk`, `-ibt` and so on for
 * Xen's own use of CET, or `vendor=…`, `family=…`, `model=…`. Returns an error message if it is invalid.
 */
export function parseProcessor(text: string): Processor | string {
  const [name = '', ...settings] = text.split(',');
  let processor = CPU_PRESETS[name];
  if (processor === undefined)
    return `unknown processor ${name}: must be one of ${Object.keys(CPU_PRESETS).join(', ')}`;
  for (const setting of settings) {
    const changed = change(processor, setting);
    if (typeof changed === 'string') return changed;
    processor = { ...changed, name: text };
  }
  return processor;
}

function change(processor: Processor, setting: string): Processor | string {
  const field = /^(vendor|family|model)=(.+)$/.exec(setting);
  if (field !== null) return setField(processor, field[1] as 'vendor' | 'family' | 'model', field[2] as string);
  const flag = /^([+-])([\w-]+)$/.exec(setting);
  if (flag === null)
    return `invalid processor setting ${setting}: must be +feature, -feature, vendor=, family= or model=`;
  const on = flag[1] === '+';
  const feature = flag[2] as string;
  if (feature === 'shstk') {
    return {
      ...processor,
      cet: { ...processor.cet, shadowStacks: on },
      synthetic: withBit(processor.synthetic, XEN_CET.shstk, on),
    };
  }
  if (feature === 'ibt') {
    const cet = { ...processor.cet, indirectBranchTracking: on };
    return { ...processor, cet, synthetic: withBit(processor.synthetic, XEN_CET.ibt, on) };
  }
  const number = X86_FEATURES[feature];
  if (number === undefined) return `unknown processor feature ${feature}`;
  const featureset = [...processor.featureset];
  while (featureset.length <= number >> 5) featureset.push(0);
  featureset[number >> 5] = withBit(featureset[number >> 5] ?? 0, number & 31, on);
  return { ...processor, featureset };
}

function setField(processor: Processor, field: 'vendor' | 'family' | 'model', value: string): Processor | string {
  if (field === 'vendor') {
    const vendor = VENDORS.find((each) => each.toLowerCase() === value.toLowerCase());
    return vendor === undefined
      ? `unknown vendor ${value}: must be one of ${VENDORS.join(', ')}`
      : { ...processor, vendor };
  }
  const number = /^(0x[0-9a-f]+|\d+)$/i.test(value) ? Number(value) : Number.NaN;
  return number <= 0xffff
    ? { ...processor, [field]: number }
    : `invalid ${field} ${value}: must be a number up to 0xffff`;
}

const withBit = (word: number, bit: number, on: boolean): number => (on ? word | (1 << bit) : word & ~(1 << bit)) >>> 0;
