import { type Address, addOffset } from '../../base/index.ts';
import {
  ALT_BUFFER_SIZE,
  ALT_FLAG_NOT,
  ALT_INSTR,
  type AlternativeRules,
  altFeature,
  altTargets,
} from '../../xen/index.ts';
import type {
  AlternativeFault,
  AlternativeHooks,
  AlternativeNumbers,
  ReplacedCode,
  ReplacementReference,
} from '../alternatives.ts';
import { applyAlternatives, RELATIVE_CALL, RELATIVE_JUMP } from './alternatives.ts';

/** The checks of _apply_alternatives. ALT_FLAG_NOT: 328ed39c59. */
function* faults(
  entry: AlternativeNumbers,
  { inverted }: AlternativeRules,
  limit: number,
): Generator<AlternativeFault> {
  const { origLen, replLen, padLen } = entry;
  const room = origLen + padLen;
  const outcome = 'bad-entry';
  if (replLen > room) yield { what: `the replacement has ${replLen} bytes, the original ${room}`, outcome };
  if (room > ALT_BUFFER_SIZE) {
    yield { what: `the original has ${room} bytes, but Xen can replace at most ${ALT_BUFFER_SIZE}`, outcome };
  }
  const { feature } = altFeature(entry.feature, inverted);
  if (feature >= limit) {
    const unknown = !inverted && (entry.feature & ALT_FLAG_NOT) !== 0;
    const how = unknown ? ', because this release does not support ALT_FLAG_NOT' : '';
    yield { what: `feature ${feature} does not exist${how} (there are ${limit})`, outcome };
  }
}

/** Xen retargets a leading call or jump with a 32-bit displacement and, since eabcdd0faa (4.21.0), a final jump to the return thunk. */
function retargets({ code, at, width, symbol }: ReplacementReference, { returnThunkFixup }: AlternativeRules): boolean {
  if (at === 1 && (code[0] === RELATIVE_CALL || code[0] === RELATIVE_JUMP)) return true;
  const last = at + width === code.length && code[at - 1] === RELATIVE_JUMP;
  return returnThunkFixup && symbol === '__x86_return_thunk' && last;
}

function* replaced(table: DataView, address: Address): Generator<ReplacedCode> {
  for (let at = 0; at + ALT_INSTR.size <= table.byteLength; at += ALT_INSTR.size) {
    const entry = ALT_INSTR.read(table, at);
    const { orig } = altTargets(addOffset(address, at), entry);
    yield { orig, length: entry.orig_len + entry.pad_len, feature: entry.cpuid & ~ALT_FLAG_NOT };
  }
}

/** How x86-64 applies alternatives. Source: xen/arch/x86/alternative.c. */
export const X86_64_ALTERNATIVES: AlternativeHooks = {
  entrySize: ALT_INSTR.size,
  announcement: 'alt table %p -> %p',
  file: 'arch/x86/alternative.c',
  bugFunction: 'arch/x86/alternative.c#_apply_alternatives',
  frames: ['apply_alternatives', '_apply_alternatives'],
  apply: applyAlternatives,
  highestFeature(table) {
    let highest = -1;
    for (let at = ALT_INSTR.at.cpuid; at + 2 <= table.byteLength; at += ALT_INSTR.size) {
      const feature = table.getUint16(at, true) & ~ALT_FLAG_NOT;
      if (feature > highest) highest = feature;
    }
    return highest;
  },
  faults: (...args) => [...faults(...args)],
  retargets,
  retargeted: 'only a call or jump that is the first instruction',
  replaced,
  nopCallbacks: [],
  // The capability array has whole words.
  featureLimit: (rules, highest) => Math.max(rules.featureLimit, ((highest >> 5) + 1) * 32),
};
