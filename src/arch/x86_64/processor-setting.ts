import { X86_FEATURES } from './features.ts';
import type { Processor, Vendor } from './processor.ts';
import { CPU_PRESETS } from './processors.ts';

const VENDORS: readonly Vendor[] = ['Intel', 'AMD', 'Hygon', 'Centaur', 'Shanghai'];

/** Xen's own bits for what it does with CET: X86_FEATURE_XEN_SHSTK and _XEN_IBT. */
const XEN_CET = { shstk: 26, ibt: 27 } as const;

/**
 * A processor as `--cpu` names it: `PRESET[,SETTING…]`. A setting is `+feature` or `-feature`, `+shstk`, `-ibt` and so on for CET as Xen uses
 * it for itself, or `vendor=…`, `family=…`, `model=…`. Returns what is wrong as text.
 */
export function parseProcessor(text: string): Processor | string {
  const [name = '', ...settings] = text.split(',');
  let processor = CPU_PRESETS[name];
  if (processor === undefined)
    return `no processor is called ${name}: there are ${Object.keys(CPU_PRESETS).join(', ')}`;
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
  if (flag === null) return `${setting} is no processor setting: give +feature, -feature, vendor=, family= or model=`;
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
  if (number === undefined) return `no processor feature is called ${feature}`;
  const featureset = [...processor.featureset];
  while (featureset.length <= number >> 5) featureset.push(0);
  featureset[number >> 5] = withBit(featureset[number >> 5] ?? 0, number & 31, on);
  return { ...processor, featureset };
}

function setField(processor: Processor, field: 'vendor' | 'family' | 'model', value: string): Processor | string {
  if (field === 'vendor') {
    const vendor = VENDORS.find((each) => each.toLowerCase() === value.toLowerCase());
    return vendor === undefined
      ? `no vendor is called ${value}: there are ${VENDORS.join(', ')}`
      : { ...processor, vendor };
  }
  const number = /^(0x[0-9a-f]+|\d+)$/i.test(value) ? Number(value) : Number.NaN;
  return number <= 0xffff ? { ...processor, [field]: number } : `${field}=${value} is no number`;
}

const withBit = (word: number, bit: number, on: boolean): number => (on ? word | (1 << bit) : word & ~(1 << bit)) >>> 0;
