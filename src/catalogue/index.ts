/** Every id that a finding can have: title, severity, what it means, what to do. Data; imports nothing. */
import { BUILDER } from './builder.ts';
import { CHECK } from './check.ts';
import type { CatalogueEntry, Entries } from './entry.ts';
import { FILE } from './file.ts';
import { HARM } from './harm.ts';
import { LINT_CODE } from './lint-code.ts';
import { LINT_FILE } from './lint-file.ts';
import { LINT_SET } from './lint-set.ts';
import { LINT_TABLES } from './lint-tables.ts';
import { PATCHES } from './patches.ts';
import { PROOF } from './proof.ts';
import { XEN_ACTION } from './xen-action.ts';
import { XEN_FILE } from './xen-file.ts';
import { XEN_PAYLOAD } from './xen-payload.ts';

export type { CatalogueEntry, Severity } from './entry.ts';

const LINT = { ...LINT_FILE, ...LINT_TABLES, ...LINT_CODE, ...LINT_SET };

const ALL = {
  ...LINT,
  ...XEN_FILE,
  ...XEN_PAYLOAD,
  ...XEN_ACTION,
  ...HARM,
  ...CHECK,
  ...FILE,
  ...PATCHES,
  ...BUILDER,
  ...PROOF,
};

/** The id of a finding: stable across releases of xsplice, tools filter on it. */
export type RuleId = keyof typeof ALL;

/** The id of a rule of lint, which the user can switch. */
export type LintRuleId = keyof typeof LINT;

/** Every id. */
export const CATALOGUE: Readonly<Record<RuleId, CatalogueEntry>> = ALL;

/** Ids that belong together. */
export interface RuleGroup {
  /** Name of its page. */
  readonly id: string;
  readonly title: string;
  /** One sentence about all of them. */
  readonly about: string;
  readonly rules: readonly RuleId[];
}

const group = (id: string, title: string, about: string, entries: Entries): RuleGroup => ({
  id,
  title,
  about,
  rules: Object.keys(entries) as RuleId[],
});

/** The catalogue by groups, in the order in which it is listed. */
export const RULE_GROUPS: readonly RuleGroup[] = [
  group(
    'lint',
    'Lint',
    'What `xsplice check` sees in the file and Xen does not check. `--rule ID=off|warn|error` switches these.',
    LINT,
  ),
  group('xen-file', 'Xen refuses the file', 'Refusals of the ELF loader, xen/common/livepatch_elf.c.', XEN_FILE),
  group(
    'xen-payload',
    'Xen refuses the payload',
    'Refusals of what a payload holds, xen/common/livepatch.c.',
    XEN_PAYLOAD,
  ),
  group('xen-action', 'Xen refuses the call', 'Refusals of uploads and actions.', XEN_ACTION),
  group('harm', 'Harm to the host', 'What Xen does not refuse, and a host suffers from.', HARM),
  group('check', 'Check and rehearsal', 'What became of a payload, and what could not be checked.', CHECK),
  group('file', 'The file alone', 'What `xsplice inspect` sees without a hypervisor.', FILE),
  group('patches', 'Source patches', 'What keeps the patches given to `xsplice build` from applying.', PATCHES),
  group('builder', 'Building', 'What `xsplice build` and `xsplice diff` refuse, or point out.', BUILDER),
  group('proof', 'Proof', 'What keeps `xsplice prove` from proving a payload.', PROOF),
];

/** Is this the id of something in the catalogue? */
export const isRuleId = (id: string): id is RuleId => Object.hasOwn(ALL, id);
