import { type Address, addOffset, hexAddress, viewOf } from '../../base/index.ts';
import { ALT_INSTR_ARM } from '../../xen/index.ts';
import type {
  AlternativeFault,
  AlternativeHooks,
  AlternativeNumbers,
  ReplacedCode,
  WholeAlternativesHost,
} from '../alternatives.ts';
import { wordBytes } from './patch.ts';

/** Immediate branches of arm64 or arm32. */
export interface BranchOffsets {
  /** Returns a branch's offset in bytes; `undefined` for any other instruction. */
  get(word: number): number | undefined;
  /** Returns the branch with another offset. If it is out of range, logs to the host as Xen does and returns what Xen writes. */
  set(word: number, offset: number, host: WholeAlternativesHost): number;
}

/** The BUG()s of alternative.c, in the order of the file. */
const BUG_BRANCH = 0;
const BUG_CALLBACK_LENGTH = 1;
const BUG_LENGTHS = 2;

interface Entry {
  readonly orig: Address;
  readonly repl: Address;
  readonly feature: number;
  readonly origLength: number;
  readonly replLength: number;
}

function* entries(host: WholeAlternativesHost, start: number, end: number): Generator<Entry> {
  const { memory } = host;
  for (let a = start; a + ALT_INSTR_ARM.size <= end; a += ALT_INSTR_ARM.size) {
    const raw = ALT_INSTR_ARM.read(viewOf(memory.read(a, ALT_INSTR_ARM.size)), 0);
    const entry = addOffset(memory.base, a);
    yield {
      orig: addOffset(entry, raw.orig_offset),
      repl: addOffset(entry, ALT_INSTR_ARM.at.repl_offset + raw.repl_offset),
      feature: raw.cpufeature,
      origLength: raw.orig_len,
      replLength: raw.repl_len,
    };
  }
}

/**
 * __apply_alternatives: copies whole instructions, and retargets branches out of the replacement. Succeeds, or panics the host.
 * Source: xen/arch/arm/alternative.c.
 */
function apply(host: WholeAlternativesHost, start: number, end: number, branches: BranchOffsets): null {
  const { memory, rules } = host;
  for (const entry of entries(host, start, end)) {
    const { orig, repl, feature, origLength, replLength } = entry;
    const callbacks = rules.featureLimit;
    if (feature < callbacks && !host.hasFeature(feature)) continue;
    if (feature === callbacks) {
      if (replLength !== 0)
        host.bug(BUG_CALLBACK_LENGTH, `a callback entry must have no replacement, but has ${replLength} bytes`);
    } else if (replLength !== origLength) {
      const why = `the replacement has ${replLength} bytes, the original ${origLength}`;
      host.bug(BUG_LENGTHS, why);
    }
    const count = Math.floor(origLength / 4);
    if (feature >= callbacks) {
      host.callback(repl, orig);
    } else {
      for (let i = 0; i < count; i++) {
        const from = addOffset(repl, 4 * i);
        const to = addOffset(orig, 4 * i);
        host.checkWord(from, 'read');
        host.checkWord(to, 'write');
        const word = viewOf(memory.read(Number(from - memory.base), 4)).getUint32(0, true);
        memory.write(Number(to - memory.base), wordBytes(retargeted(host, entry, word, from, to, branches)));
      }
    }
    host.cleanDataCache(orig, 4 * count);
  }
  host.invalidateInstructionCache();
  return null;
}

/** get_alt_insn. */
function retargeted(
  host: WholeAlternativesHost,
  { repl, replLength }: Entry,
  word: number,
  from: Address,
  to: Address,
  branches: BranchOffsets,
): number {
  const offset = branches.get(word);
  if (offset === undefined) return word;
  const target = addOffset(from, offset);
  if (host.isActiveText(target)) {
    return branches.set(word, Number(BigInt.asIntN(32, target - to)), host);
  }
  // Xen counts the end as inside.
  if (target >= repl && target <= addOffset(repl, replLength)) return word;
  return host.bug(
    BUG_BRANCH,
    `a replacement branches to ${hexAddress(target)}, which is neither inside it nor in registered text`,
    'patch_alternative',
  );
}

/**
 * Xen copies whole instructions, as many as the original has. ARM_CB_PATCH, the first number past the features, marks entries with a callback.
 */
function* faults({ feature, origLen, replLen }: AlternativeNumbers, limit: number): Generator<AlternativeFault> {
  if (replLen !== origLen && feature < limit) {
    yield { what: `the replacement has ${replLen} bytes, the original ${origLen}`, outcome: 'panic' };
  }
  if (feature > limit) yield { what: `feature ${feature} does not exist`, outcome: 'called' };
}

function* replaced(table: DataView, address: Address): Generator<ReplacedCode> {
  for (let at = 0; at + ALT_INSTR_ARM.size <= table.byteLength; at += ALT_INSTR_ARM.size) {
    const { orig_offset, orig_len, cpufeature } = ALT_INSTR_ARM.read(table, at);
    yield { orig: addOffset(address, at + orig_offset), length: orig_len, feature: cpufeature };
  }
}

export const armAlternatives = (branches: BranchOffsets): AlternativeHooks => ({
  entrySize: ALT_INSTR_ARM.size,
  announcement: 'alternatives: Patching with alt table %p -> %p',
  file: 'arch/arm/alternative.c',
  bugFunction: null,
  frames: ['apply_alternatives', '__apply_alternatives'],
  apply: (host, start, end) => apply(host, start, end, branches),
  highestFeature(table) {
    let highest = -1;
    for (let at = 0; at + ALT_INSTR_ARM.size <= table.byteLength; at += ALT_INSTR_ARM.size) {
      highest = Math.max(highest, table.getUint16(at + ALT_INSTR_ARM.at.cpufeature, true));
    }
    return highest;
  },
  faults: (entry, _rules, limit) => [...faults(entry, limit)],
  retargets: ({ code, at }) =>
    at % 4 === 0 && at + 4 <= code.length && branches.get(viewOf(code).getUint32(at, true)) !== undefined,
  retargeted: 'only branches',
  replaced,
  // Lets guests switch the SSBD mitigation, which is on by default. Source: xen/arch/arm/cpuerrata.c.
  nopCallbacks: ['arm_enable_wa2_handling'],
  // ARM_CB_PATCH is ARM_NCAPS, and the image's callback entries carry it.
  featureLimit: (rules, highest) => Math.max(rules.armCapabilities, highest),
});
