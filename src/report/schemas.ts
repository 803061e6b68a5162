/**
 * The documents' schemas. Nothing that a command runs imports this file: it is for tests, for `scripts/schemas.ts`, which
 * writes docs/*.schema.json, and for programs that read our output.
 */
import { z } from 'zod';
import { buildSchema } from './build-schema.ts';
import { diffSchema } from './diff-schema.ts';
import { matrixSchema } from './matrix-schema.ts';
import {
  arch,
  checkedMembers,
  consoleLines,
  count,
  errno,
  findings,
  hexAddress,
  hexBytes,
  large,
  place,
  xenIdentity,
} from './schema-parts.ts';

const placement = z.strictObject({ text: hexAddress, rw: hexAddress, ro: hexAddress, pages: count });

/** What steps of all documents have in common. */
const stepMembers = {
  outcome: z
    .enum([
      'answered',
      'listed',
      'dumped',
      'called',
      'verified',
      'differs',
      'died',
      'stopped-at-hook',
      'no-answer',
    ])
    .describe('differs: the live code is not as it should be. stopped-at-hook: payload code cannot be run here.'),
  passed: z.boolean(),
  rc: z.int().nullable().describe('0, a count or a negated errno. Null where the step is neither answered nor listed.'),
  errno,
  console: consoleLines,
};

const step = z.strictObject({
  step: z.enum(['upload', 'apply', 'verify', 'revert', 'replace', 'unload', 'call']),
  name: z.string(),
  ...stepMembers,
  state: z.enum(['CHECKED', 'APPLIED']).nullable(),
  payload: placement.nullable(),
  cacheMaintenance: z
    .array(
      z.strictObject({
        kind: z.enum(['clean-invalidate-dcache', 'invalidate-icache']),
        address: hexAddress.exactOptional(),
        length: count.exactOptional(),
      }),
    )
    .describe('Only where software keeps caches and code together, as on Arm.')
    .exactOptional(),
  note: z.string().describe('Only where the step is not what it would be on a host.').exactOptional(),
});

const panic = z
  .strictObject({
    message: z.string(),
    errorCode: count.nullable(),
    address: hexAddress.nullable(),
    screen: z.array(z.string()),
  })
  .nullable();

/** A call of a function. */
const reportedCall = z.strictObject({
  function: z.string(),
  when: z.enum(['before', 'applied', 'reverted']).describe('Is any payload applied, not yet, or no longer?'),
  returned: z.strictObject({
    int: z.union([z.number(), z.string()]).nullable().describe('Unsigned; hex digits where a double would round it.'),
    string: z.string().nullable().describe('The text that it points to; null where it points to none.'),
  }),
  instructions: count.nullable(),
  entered: z.array(z.string()).nullable(),
  coverage: z.array(z.strictObject({ symbol: z.string(), size: count, covered: count })),
  buffers: z.array(hexBytes),
});

/** `xsplice rehearse --json`. */
export const rehearsalSchema = z
  .strictObject({
    format: z.literal('xsplice-rehearsal/2'),
    xen: xenIdentity,
    verdict: z.enum(['passed', 'refused', 'failed', 'panicked']),
    steps: z.array(step),
    functions: z.array(
      z.strictObject({
        name: z.string(),
        oldAddr: hexAddress,
        oldSize: count,
        newAddr: hexAddress.describe('0x0 where the function is overwritten with NOPs.'),
        newSize: count,
        patchOffset: count,
        before: hexBytes,
        after: hexBytes,
      }),
    ),
    calls: z.array(reportedCall),
    panic,
    findings,
  })
  .describe('A payload taken through its life on a simulated host, step by step.');

/** `xsplice check --json`. */
export const checkSchema = z
  .strictObject({
    format: z.literal('xsplice-check/1'),
    payloads: z.array(z.strictObject({ file: z.string(), ...checkedMembers })),
  })
  .describe('Whether a hypervisor would take the payloads, and whether that is safe.');

const code = z
  .array(
    z.strictObject({
      offset: count.describe('Bytes from the start of the section.'),
      bytes: hexBytes,
      text: z.string().describe('AT&T syntax on x86, with symbols for relocated operands; (bad) for no instruction.'),
      targets: z.array(place).describe('Where the relocations of the instruction lead.').exactOptional(),
    }),
  )
  .nullable()
  .describe('Null unless disassembly was asked for, and where the payload has no such code.');

const inspectedPayload = z.strictObject({
  file: z.string(),
  name: z.string(),
  size: count,
  arch: arch.nullable(),
  buildId: hexBytes.nullable(),
  depends: hexBytes.nullable(),
  xenDepends: hexBytes.nullable(),
  metadata: z.array(z.string()),
  functions: z.array(
    z.strictObject({
      name: z.string(),
      kind: z.enum(['replace', 'nop']),
      oldCode: place.nullable(),
      oldSize: count,
      newCode: place.nullable(),
      newSize: count,
      version: count,
      expectation: z.strictObject({ length: count, data: hexBytes, enabled: z.boolean() }).nullable(),
      code,
    }),
  ),
  hooks: z.array(z.strictObject({ kind: z.string(), section: z.string(), target: place, code })),
  sections: z.array(
    z.strictObject({
      index: count,
      name: z.string(),
      type: z.string(),
      flags: z.string(),
      size: large,
      alignment: large,
      page: z.enum(['text', 'rw', 'ro']).nullable(),
      offset: large.nullable(),
    }),
  ),
  relocations: z.array(
    z.strictObject({
      section: z.string(),
      type: z.string(),
      count,
      applied: z.boolean(),
      handled: z.boolean().nullable(),
    }),
  ),
  undefinedSymbols: z.array(z.string()),
  tables: z.array(
    z.strictObject({
      kind: z.enum(['alternatives', 'alternative calls', 'bug frames', 'exception table']),
      section: z.string(),
      entries: count,
      entrySize: count,
    }),
  ),
  pages: z.strictObject({ text: count, rw: count, ro: count }),
  reappliable: z.boolean(),
  findings,
});

export { matrixSchema };

/** `xsplice inspect --json`. */
export const inspectSchema = z
  .strictObject({ format: z.literal('xsplice-inspect/1'), payloads: z.array(inspectedPayload) })
  .describe('What is in payloads, before any has an address.');

const observed = z.union([z.string(), z.int(), z.null(), z.array(z.string())]);

/** `xsplice conform --json`. */
export const conformanceSchema = z
  .strictObject({
    format: z.literal('xsplice-conformance/1'),
    cases: count.describe('How many were run.'),
    agreed: count.describe('How many of them had no difference.'),
    differences: z.array(
      z.strictObject({
        case: z.string(),
        step: z.int().positive().describe('Which step of the case, counted from 1.'),
        field: z
          .string()
          .describe(
            'rc, state, status, console, list, dump, pages, extra, panic, hook, error, or live and an address.',
          ),
        simulated: observed.describe('Null where there is no such thing on that side.'),
        real: observed,
      }),
    ),
  })
  .describe('The same steps on the simulator and on a real hypervisor, and every difference.');

const scenarioStep = z.strictObject({
  step: z.enum(['upload', 'apply', 'revert', 'replace', 'unload', 'get', 'list', 'dump', 'verify', 'call']),
  name: z.string().nullable().describe("The payload's, or the function's; null where the verb has none."),
  place: z.string().describe('FILE:LINE:COLUMN.'),
  ...stepMembers,
  state: z.enum(['CHECKED', 'APPLIED', 'none']).nullable(),
  status: z.int().nullable().describe('The rc of GET afterwards.'),
  list: z
    .array(z.strictObject({ name: z.string(), state: z.enum(['CHECKED', 'APPLIED']).nullable(), rc: z.int() }))
    .nullable(),
  call: count.nullable().describe('Which of calls, from 0.'),
  panic,
  note: z.string().exactOptional(),
});

/** `xsplice rehearse FILE.yaml --json`. */
export const scenarioSchema = z
  .strictObject({
    format: z.literal('xsplice-scenario/2'),
    scenarios: z.array(
      z.strictObject({
        file: z.string(),
        title: z.string(),
        cell: z.string().describe('The place in the matrix: release=4.17.2 cpu=amd-zen4. Empty where there is none.'),
        xen: xenIdentity.nullable().describe('Null where the host never came to be.'),
        verdict: z.enum(['passed', 'failed', 'error']),
        steps: z.array(scenarioStep),
        left: z.array(z.string()).describe('The steps that were not run, in words.'),
        calls: z.array(reportedCall),
        surprise: z
          .strictObject({
            step: z.int().positive().describe('Which step, counted from 1.'),
            place: z.string(),
            fields: z.array(z.strictObject({ field: z.string(), expected: observed, came: observed })),
          })
          .nullable()
          .describe('Where the run first went another way than expected. It ends there.'),
        error: z
          .strictObject({ code: z.string(), message: z.string(), hint: z.string().nullable() })
          .nullable()
          .describe('What the environment did to the run.'),
        findings,
      }),
    ),
  })
  .describe('Scenarios, each run on a host: what came of every step, and where it was not as expected.');

/** `xsplice host COMMAND --json`. */
export const hostSchema = z
  .strictObject({
    format: z.literal('xsplice-host/1'),
    command: z.enum(['list', 'upload', 'load', 'apply', 'revert', 'unload', 'replace', 'inspect']),
    verdict: z.enum(['done', 'refused', 'retry']).describe('What the exit status says: 0, 1, 2.'),
    hypervisor: z.strictObject({ version: z.string().nullable(), buildId: hexBytes.nullable() }),
    steps: z.array(
      z.strictObject({
        step: z.enum(['upload', 'apply', 'revert', 'unload', 'replace']),
        name: z.string(),
        rc: z.int().nullable().describe('Null where the hypervisor was not asked for it.'),
        errno: z.string().nullable(),
        state: z.string().nullable().describe('Afterwards; null where the payload is not there, or it is not known.'),
      }),
    ),
    payloads: z
      .array(
        z.strictObject({
          name: z.string(),
          state: z.string(),
          rc: z.int(),
          errno: z.string().nullable(),
          metadata: z.array(z.string()),
        }),
      )
      .nullable()
      .describe('Of list and inspect; null otherwise, and where the list was refused.'),
    dump: z.array(z.string()).nullable().describe('What the console key x prints; of inspect.'),
    messages: z
      .strictObject({ stdout: z.array(z.string()), stderr: z.array(z.string()) })
      .describe('What xen-livepatch says, by lines.'),
    advice: z.array(z.string()).describe("What a failure means, where it is the host's and not the payload's."),
    console: consoleLines,
  })
  .describe('What was done on the host that xsplice runs on.');

/** File name in docs/ → its schema. */
export const SCHEMAS = {
  'xsplice-rehearsal-2.schema.json': rehearsalSchema,
  'xsplice-check-1.schema.json': checkSchema,
  'xsplice-check-matrix-1.schema.json': matrixSchema,
  'xsplice-inspect-1.schema.json': inspectSchema,
  'xsplice-conformance-1.schema.json': conformanceSchema,
  'xsplice-scenario-2.schema.json': scenarioSchema,
  'xsplice-host-1.schema.json': hostSchema,
  'xsplice-diff-1.schema.json': diffSchema,
  'xsplice-build-1.schema.json': buildSchema,
} as const;

/** A schema as JSON Schema text (draft 2020-12), as docs/ has it. */
export const jsonSchemaText = (schema: z.ZodType): string =>
  `${JSON.stringify(z.toJSONSchema(schema, { target: 'draft-2020-12' }), null, 2)}\n`;
