import type { Finding, Place, Severity } from '../base/index.ts';
import type { RuleId } from '../catalogue/index.ts';
import type { InspectedRelocations } from '../documents/index.ts';
import type { PayloadFile } from '../payload/index.ts';
import {
  ELF_BUILD_ID_NOTE,
  ELF_LIVEPATCH_DEPENDS,
  ELF_LIVEPATCH_FUNC,
  ELF_LIVEPATCH_XEN_DEPENDS,
} from '../xen/index.ts';

/**
 * Returns the faults that are visible in the file alone, for any hypervisor. `check`, which has the hypervisor, finds more.
 * Sources: xen/common/livepatch.c, check_special_sections, check_patching_sections, move_payload; the
 * architectures' arch_livepatch_perform_rela.
 */
export function inspectFindings(
  payload: PayloadFile,
  file: string,
  relocations: readonly InspectedRelocations[],
): Finding[] {
  const findings: Finding[] = [];
  const add = (rule: RuleId, severity: Severity, message: string, where: Place): void => {
    findings.push({ rule, severity, message, where: { file, ...where } });
  };

  if (payload.arch === undefined) {
    add('elf-machine', 'error', 'Xen has no live patches for this machine type', { offset: machineOffset(payload) });
  }
  const { identity, functions } = payload;
  const ids = [
    [ELF_BUILD_ID_NOTE, identity.buildId, 'error', 'every release refuses the payload'],
    [ELF_LIVEPATCH_DEPENDS, identity.depends, 'error', 'every release refuses the payload'],
    [ELF_LIVEPATCH_XEN_DEPENDS, identity.xenDepends, 'warning', 'releases from 4.14 on refuse the payload'],
  ] as const;
  for (const [section, found, severity, outcome] of ids) {
    if (found === undefined) add('section-missing', severity, `${section} is missing: ${outcome}`, {});
    else if (found.id === undefined) add('build-id', severity, `the section has no build-id: ${outcome}`, { section });
  }

  if (functions === undefined && payload.hooks.length === 0) {
    add(
      'nothing-to-patch',
      'error',
      `the payload has neither ${ELF_LIVEPATCH_FUNC} nor hooks, so there is nothing to patch`,
      {},
    );
  }
  for (const table of [functions, ...payload.hooks]) {
    if (table === undefined) continue;
    const { section, entrySize, leftover, entries } = table;
    if (leftover !== 0) {
      const message = `${leftover} bytes too many: the size must be a multiple of ${entrySize}`;
      add('section-size', 'error', message, { section: section.name, offset: entries.length * entrySize });
    }
  }
  for (const section of payload.sections) {
    if (section.kind !== 'refused') continue;
    add('section-write-exec', 'error', 'Xen refuses sections that are writable and executable (EOPNOTSUPP)', {
      section: section.name,
    });
  }
  for (const { section, type, applied, handled, count } of relocations) {
    if (!applied || handled !== false) continue;
    const message = `Xen does not handle relocations of type ${type} (${count} of them) and refuses the payload`;
    add('relocation-type', 'error', message, { section });
  }
  return findings;
}

const machineOffset = ({ elf }: PayloadFile): number => elf.layout.ehdr.at['e_machine'] as number;
