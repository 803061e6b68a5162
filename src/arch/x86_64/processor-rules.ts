import type { ProcessorRules } from '../processor-rules.ts';
import { addNops } from './nops.ts';
import { hasFeature, nopFamily } from './processor.ts';
import { parseProcessor } from './processor-setting.ts';
import { DEFAULT_CPU } from './processors.ts';

export const X86_64_PROCESSORS: ProcessorRules = {
  standard: DEFAULT_CPU,
  example: '--cpu amd-zen4,-shstk or --cpu intel-skylake,model=0x6a',
  parse: parseProcessor,
  hasFeature,
  nops: (processor, length) => addNops(nopFamily(processor), length),
  // The assembler pads with P6 NOPs.
  toolchainNopsIdeal: (processor) => nopFamily(processor) === 'P6',
};
