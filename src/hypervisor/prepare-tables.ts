import { applyAltCalls } from '../arch/index.ts';
import { type Address, addOffset, ensure, viewOf } from '../base/index.ts';
import type { RuleId } from '../catalogue/index.ts';
import {
  ALT_CALL_LEN,
  bugFramesSection,
  ELF_ALT_CALL_SITES,
  ELF_ALTINSTR_REPLACEMENT,
  ELF_ALTINSTRUCTIONS,
  ELF_EX_TABLE,
  ELF_LIVEPATCH_MODINFO,
  ERRNO,
  type Errno,
  sortExTable,
} from '../xen/index.ts';
import { alternativesHost } from './alternatives.ts';
import { type LoaderElf, type LoaderSection, secByName, sectionAddress } from './elf-load.ts';
import { type Hypervisor, report, within, wrapped } from './hypervisor.ts';
import type { LoadedPayload } from './payload.ts';
import { firstRefusal, LIVEPATCH_C, Refuser } from './refusal.ts';
import { SECTION_NOT_OK, sectionOk } from './section-ok.ts';

/** The second half of prepare_payload: the payload's own versions of tables that Xen has for itself. */
export function prepareTables(hv: Hypervisor, payload: LoadedPayload, elf: LoaderElf): number {
  const stages = [prepareBugFrames, prepareAlternatives, prepareAltCalls, prepareExTable, prepareModinfo];
  return firstRefusal(stages, hv, payload, elf);
}

function prepareBugFrames(hv: Hypervisor, payload: LoadedPayload, elf: LoaderElf): number {
  // BUGFRAME_NR.
  const types = hv.arch.bugFrames.types(hv.release).length;
  for (let type = 0; type < types; type++) {
    const section = secByName(elf, bugFramesSection(type));
    if (section === undefined) continue;
    if (!sectionOk(hv, elf, section, hv.arch.bugFrames.size)) return SECTION_NOT_OK;
    const start = sectionAddress(hv, elf, section);
    payload.trapTables.bugFrames[type] = { start, end: wrapped(hv, start + section.header.sh_size) };
  }
  return 0;
}

/** A range of memory in the architecture's arithmetic. */
interface Bounds {
  readonly start: Address;
  readonly size: bigint;
}

/** Whether a piece lies inside the bounds; without overflow checks, as in Xen. */
const inside = (hv: Hypervisor, at: Address, length: number, bounds: Bounds): boolean =>
  at >= bounds.start &&
  BigInt(length) <= bounds.size &&
  wrapped(hv, at + BigInt(length)) <= wrapped(hv, bounds.start + bounds.size);

const textOf = (payload: LoadedPayload): Bounds => ({ start: payload.text.addr, size: BigInt(payload.text.size) });

function prepareAlternatives(hv: Hypervisor, payload: LoadedPayload, elf: LoaderElf): number {
  const section = secByName(elf, ELF_ALTINSTRUCTIONS);
  if (section === undefined) return 0;
  if (!sectionOk(hv, elf, section, hv.arch.alternatives.entrySize)) return SECTION_NOT_OK;
  const start = sectionAddress(hv, elf, section);
  const size = Number(section.header.sh_size);
  const rules = hv.alternativeRules;
  if (rules.rangeCheck) {
    if (size === 0) return 0;
    const rc = checkAlternatives(hv, payload, elf, start, size);
    if (rc !== 0) return rc;
  }
  if (rules.walksFreedClobberList && size > 0 && hv.options.processor.cet.indirectBranchTracking) {
    walkFreedClobberList(hv);
  }
  const host = alternativesHost(hv, payload);
  const hooks = hv.arch.alternatives;
  hv.log.printk('INFO', hooks.announcement, start, addOffset(start, size));
  const from = Number(BigInt.asIntN(64, start - payload.text.addr));
  const [outer, inner] = hooks.frames as readonly [string, string];
  const errno = within(hv, outer, () => within(hv, inner, () => hooks.apply(host, from, from + size)));
  if (errno === null) return 0;
  return tableError(hv, section, errno, '%s applying alternatives failed: %d', elf.name, -ERRNO[errno]);
}

/** Refuses a table that Xen does not support on this architecture. */
function unsupported(hv: Hypervisor, elf: LoaderElf, section: LoaderSection, template: string): number {
  const refuse = new Refuser(hv, LIVEPATCH_C, elf.name).at({ section: section.name });
  return refuse('unsupported-table', 'EOPNOTSUPP', template);
}

function tableError(
  hv: Hypervisor,
  section: LoaderSection,
  errno: Errno,
  template: string,
  ...args: (string | number | bigint)[]
): number {
  const complaint = {
    rule: ensure(RULES[section.name], 'each table has its rule'),
    errno,
    where: { section: section.name },
  };
  return new Refuser(hv, LIVEPATCH_C).refuse(complaint, template, ...args);
}

const RULES: Readonly<Record<string, RuleId>> = {
  [ELF_ALTINSTRUCTIONS]: 'bad-alternative',
  [ELF_ALT_CALL_SITES]: 'bad-alternative-call',
  [ELF_LIVEPATCH_MODINFO]: 'bad-metadata',
};

/** Checks that entries stay inside the payload. e74360e4ba (4.17.4, 4.18.0); the older check could not fail. */
function checkAlternatives(
  hv: Hypervisor,
  payload: LoadedPayload,
  elf: LoaderElf,
  start: Address,
  size: number,
): number {
  const section = secByName(elf, ELF_ALTINSTRUCTIONS) as LoaderSection;
  const refuse = (template: string, ...args: (number | bigint)[]) =>
    tableError(hv, section, 'EINVAL', template, elf.name, ...args);
  if (payload.text.size === 0) return refuse('%s Alternatives provided, but no .text');
  const replacements = secByName(elf, ELF_ALTINSTR_REPLACEMENT);
  if (replacements === undefined) return refuse('%s .altinstructions provided, but no .altinstr_replacement');
  const text = textOf(payload);
  const bounds = { start: sectionAddress(hv, elf, replacements), size: replacements.header.sh_size };
  const table = hv.machine.space.read(start, size);
  const view = viewOf(table);
  for (let at = 0; at < size; at += hv.arch.alternatives.entrySize) {
    const entry = addOffset(start, at);
    const orig = addOffset(entry, view.getInt32(at, true));
    const repl = addOffset(entry, 4 + view.getInt32(at + 4, true));
    const origLength = view.getUint8(at + 10);
    const replLength = view.getUint8(at + 11);
    if (!inside(hv, orig, origLength, text)) {
      const template = '%s Alternative orig %p+%#x outside payload text %p+%#zx';
      return refuse(template, orig, origLength, text.start, text.size);
    }
    if (!inside(hv, repl, replLength, bounds)) {
      const template = '%s Alternative repl %p+%#x outside .altinstr_replacement %p+%#lx';
      return refuse(template, repl, replLength, bounds.start, bounds.size);
    }
  }
  return 0;
}

/** 4.17.0-.3 and 4.18.0-.1 with CET-IBT read a list in memory that was freed after boot. Fixed by 4be1fef1e6. */
function walkFreedClobberList(hv: Hypervisor): void {
  const start = hv.image.linker('__initdata_cf_clobber_start');
  const end = hv.image.linker('__initdata_cf_clobber_end');
  if (start === undefined || end === undefined || start >= end) return;
  within(hv, '_apply_alternatives', () => hv.machine.space.read(start, 8));
}

function prepareAltCalls(hv: Hypervisor, payload: LoadedPayload, elf: LoaderElf): number {
  if (hv.alternativeRules.altCalls !== 'alt_call_sites') return 0;
  const section = secByName(elf, ELF_ALT_CALL_SITES);
  if (section === undefined) return 0;
  if (hv.arch.altCallSize === 0) return unsupported(hv, elf, section, 'Alternative calls not supported');
  if (!sectionOk(hv, elf, section, hv.arch.altCallSize)) return SECTION_NOT_OK;
  const size = Number(section.header.sh_size);
  if (size === 0) return 0;
  if (payload.text.size === 0) {
    return tableError(hv, section, 'EINVAL', '%s Alternative calls provided, but no .text', elf.name);
  }
  const start = sectionAddress(hv, elf, section);
  const text = textOf(payload);
  const view = viewOf(hv.machine.space.read(start, size));
  for (let at = 0; at < size; at += hv.arch.altCallSize) {
    const call = addOffset(start, at + view.getInt32(at, true));
    if (inside(hv, call, ALT_CALL_LEN, text)) continue;
    const template = '%s: Alternative call %p+%#zx outside payload text %p+%#zx';
    return tableError(hv, section, 'EINVAL', template, elf.name, call, ALT_CALL_LEN, text.start, text.size);
  }
  const from = Number(BigInt.asIntN(64, start - payload.text.addr));
  const errno = within(hv, 'livepatch_apply_alt_calls', () =>
    applyAltCalls(alternativesHost(hv, payload), from, from + size),
  );
  if (errno === null) return 0;
  const template = '%s: Applying alternative calls failed: %d';
  return tableError(hv, section, errno, template, elf.name, -ERRNO[errno]);
}

function prepareExTable(hv: Hypervisor, payload: LoadedPayload, elf: LoaderElf): number {
  const section = secByName(elf, ELF_EX_TABLE);
  if (section === undefined) return 0;
  if (hv.arch.exTableEntrySize === 0) return unsupported(hv, elf, section, "We don't support .ex_table");
  if (!sectionOk(hv, elf, section, hv.arch.exTableEntrySize)) return SECTION_NOT_OK;
  const size = Number(section.header.sh_size);
  if (size === 0) return 0;
  const address = sectionAddress(hv, elf, section);
  within(hv, 'sort_exception_table', () => {
    // A heap sort starts with the last entry that has a child; if that is not mapped, it faults there. Source: xen/include/xen/sort.h.
    const lastParent = Math.max(0, Math.floor(size / (2 * hv.arch.exTableEntrySize)) - 1);
    hv.machine.space.readU32(wrapped(hv, address + BigInt(lastParent * hv.arch.exTableEntrySize)));
    const table = hv.machine.space.read(address, size);
    sortExTable(viewOf(table));
    hv.machine.space.write(address, table);
  });
  payload.trapTables.exTable = { start: address, end: addOffset(address, size) };
  return 0;
}

function prepareModinfo(hv: Hypervisor, payload: LoadedPayload, elf: LoaderElf): number {
  if (!hv.release.modinfo) return 0;
  const section = secByName(elf, ELF_LIVEPATCH_MODINFO);
  if (section === undefined) return 0;
  const address = sectionAddress(hv, elf, section);
  const size = Number(BigInt.asUintN(32, section.header.sh_size));
  if (size === 0) {
    report(
      hv,
      'empty-metadata',
      `${ELF_LIVEPATCH_MODINFO} is empty: \`len - 1\` wraps, so Xen reads 4 GiB past its start`,
      {
        section: ELF_LIVEPATCH_MODINFO,
      },
    );
  }
  // The length is an unsigned int: 0 - 1 wraps.
  const last = hv.machine.space.readU8(wrapped(hv, address + BigInt((size - 1) >>> 0)));
  if (last !== 0) {
    const refuse = new Refuser(hv, LIVEPATCH_C, elf.name).at({ section: ELF_LIVEPATCH_MODINFO });
    return refuse('bad-metadata', 'EINVAL', 'Incorrect metadata format detected');
  }
  payload.metadata = { addr: address, size };
  return 0;
}
