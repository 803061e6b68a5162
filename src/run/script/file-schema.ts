/** The zod schemas of the parts of a scenario file, after variables are substituted. Loaded only when a scenario is read. */
import * as z from 'zod';
import { ERRNO, type Errno } from '../../xen/index.ts';
import type { ConsoleExpectation } from '../expectation.ts';
import { SCRIPT_LIMITS } from './limits.ts';
import { bytesText, count, duration, integer, keyed, oneOf, text, yesOrNo } from './schema-kinds.ts';

/** An errno by name, or 0 for success. */
const errno = z
  .union([z.literal(0n), z.literal('0'), z.enum(Object.keys(ERRNO) as [Errno, ...Errno[]])], {
    error: `has to be an errno by name, as EINVAL, or 0; known are ${Object.keys(ERRNO).join(', ')}`,
  })
  .transform((value): Errno | 0 => (value === 0n || value === '0' ? 0 : value));

const lines = z.array(text, { error: 'has to be a list of lines' });

/** One line, or several. */
const lineOrLines = z
  .union([text, lines], { error: 'has to be text, or a list of lines' })
  .transform((value): readonly string[] => (typeof value === 'string' ? [value] : value));

const consoleExpectation = z
  .union(
    [
      text,
      lines,
      keyed({
        exact: lines.describe('All lines that are printed in the step.').exactOptional(),
        contains: lineOrLines.describe('Lines that have these in them, in this order.').exactOptional(),
        absent: lineOrLines.describe('What no line has in it.').exactOptional(),
      }),
    ],
    { error: 'has to be text, a list of lines, or { exact: [...] }, { contains: … }, { absent: … }' },
  )
  .transform(
    (value): ConsoleExpectation =>
      typeof value === 'string' ? { contains: [value] } : Array.isArray(value) ? { contains: value } : value,
  );

const expectations = {
  errno: errno.describe('What the operation comes to: the name of an errno, or 0. Default: 0.').exactOptional(),
  state: oneOf(['CHECKED', 'APPLIED', 'none'])
    .describe(
      'State of the payload afterwards; none where the hypervisor has no such payload. Default: what the verb means.',
    )
    .exactOptional(),
  rc: errno.describe('The rc that GET gives for the payload afterwards, as an errno by name, or 0.').exactOptional(),
  console: consoleExpectation
    .describe('What Xen prints in the step: text that a line has in it, or a list of such texts in their order.')
    .exactOptional(),
};
const { console } = expectations;

/** `expect:` next to a verb. */
export const expectSchema = keyed(expectations).describe('What is expected of the step.');

const payloadFile = {
  file: text.describe('The livepatch file, relative to this file.'),
  fit: yesOrNo
    .describe('Fill in the build-ids and function sizes of the hypervisor at hand. Default: false.')
    .exactOptional(),
  depends: text
    .describe('With fit: the payload, by its key in payloads, that this one goes on top of.')
    .exactOptional(),
};

/** Plain text: `title`, `include`, the short form of a payload. */
export const textSchema = text;

/** An entry of `payloads:`. */
export const payloadSchema = keyed(payloadFile).describe('A payload file.');

const name = text.describe('Name of the payload in the hypervisor.');

const actionSchema = keyed({
  name,
  timeout: duration(0xffff_ffffn)
    .describe("Time for the CPUs to meet: nanoseconds, or with ns, us, ms or s behind them; 0 for Xen's own 30 ms.")
    .exactOptional(),
  nodeps: yesOrNo.describe('Leave the build-id dependency alone (LIVEPATCH_ACTION_APPLY_NODEPS).').exactOptional(),
  flags: count(0, 0xffff_ffff).describe('The word of flags as it is; nodeps is its bit 0.').exactOptional(),
  ...expectations,
});

const buffer = z.union(
  [
    keyed({ hex: bytesText.describe('Bytes, two hex digits each, blanks between them if wanted.') }),
    keyed({ zero: count(1, SCRIPT_LIMITS.bufferBytes).describe('That many bytes of zero.') }),
  ],
  { error: 'has to be { hex: "00 ff" } or { zero: 64 }' },
);

const word = integer(-(1n << 63n), (1n << 64n) - 1n);

const argument = z.union(
  [
    keyed({ int: word.describe('A whole number of 64 bits.') }),
    keyed({ string: text.describe('Text as it is, even where it looks like a number.') }),
    buffer,
    word,
    text,
  ],
  { error: 'has to be a whole number, text, { hex: "00 ff" }, { zero: 64 } or { string: … }' },
);

const bufferAfter = z.union([z.null(), buffer, keyed({ string: text.describe('Text that ends in a NUL.') })], {
  error: 'has to be { hex: "00 ff" }, { zero: 64 }, { string: … }, or ~ where it does not matter',
});

/** The long form of each verb. */
export const VERB_SCHEMAS = {
  upload: keyed({
    name,
    payload: text.describe('The payload by its key in payloads. Default: the key that is the name.').exactOptional(),
    ...payloadFile,
    file: payloadFile.file.exactOptional(),
    flags: count(0, 0xffff_ffff)
      .describe('Flags of the operation: 1 is LIVEPATCH_FLAG_FORCE, since 4.19.')
      .exactOptional(),
    ...expectations,
  }),
  apply: actionSchema,
  revert: actionSchema,
  replace: actionSchema,
  unload: actionSchema,
  get: keyed({ name, ...expectations }),
  list: keyed({
    idx: count(0, 0xffff_ffff).describe('Payloads to skip. Default: 0.').exactOptional(),
    nr: count(0, 0xffff_ffff).describe('Payloads to ask for. Default: 64.').exactOptional(),
    payloads: z
      .array(
        z.union(
          [
            text,
            keyed({
              name,
              state: oneOf(['CHECKED', 'APPLIED']).describe('Its state.').exactOptional(),
              rc: errno.describe('Its rc, as an errno by name, or 0.').exactOptional(),
            }),
          ],
          { error: 'has to be a name, or { name: …, state: …, rc: … }' },
        ),
        { error: 'has to be a list of payloads' },
      )
      .describe('The payloads that are listed, in their order.')
      .exactOptional(),
    errno: expectations.errno,
    console,
  }),
  dump: keyed({ console }),
  verify: keyed({ console }),
  call: keyed({
    function: text.describe('A symbol of the hypervisor, static ones as FILE#NAME, or of a payload.'),
    args: z
      .array(argument, { error: 'has to be a list of arguments' })
      .max(SCRIPT_LIMITS.args, `takes at most ${SCRIPT_LIMITS.args} arguments`)
      .describe('Whole numbers (0x… in quotes too), text, or memory: { hex: "00 ff" }, { zero: 64 }.')
      .exactOptional(),
    cpu: count(0, 4094).describe('The CPU that makes the call. Default: 0.').exactOptional(),
    returns: keyed({
      int: word.describe('The result register. A negative number is an int of 32 bits as well.').exactOptional(),
      string: text.describe('The text that the result points to.').exactOptional(),
      errno: errno.describe('The result is this errno, negated, as an int; or 0.').exactOptional(),
    })
      .describe('What the function returns.')
      .exactOptional(),
    buffers: z
      .array(bufferAfter, { error: 'has to be a list, one entry for each buffer' })
      .max(SCRIPT_LIMITS.args, `takes at most ${SCRIPT_LIMITS.args} buffers`)
      .describe('What is in each buffer among the arguments afterwards; ~ where it does not matter.')
      .exactOptional(),
    console,
  }),
};

/** The members of `panics:` other than its verb. */
export const panicShape = {
  error_code: count(0, 0xffff_ffff).describe('Of the page fault.').exactOptional(),
  message: text.describe("Text that the panic's message has in it.").exactOptional(),
  address: integer(0n, (1n << 64n) - 1n)
    .describe('The faulting linear address.')
    .exactOptional(),
};

/** {@link panicShape} as a mapping. */
export const panicSchema = keyed(panicShape);

const settingShape = {
  xen: text.describe("The hypervisor's xen-syms, relative to this file."),
  release: text.describe('Follow the rules of this release: "4.18.1". Default: what the image says.'),
  cpu: text.describe('The processor of the host: the name of a preset, with changes behind it.'),
  cpus: count(1, 4095).describe('CPUs that are online. Default: 1.'),
  late: z
    .record(z.string().regex(/^\d{1,4}$/, 'a CPU is a number'), duration(BigInt(Number.MAX_SAFE_INTEGER)), {
      error: 'has to be a mapping: { 1: 40ms }',
    })
    .describe('CPUs that come to the rendezvous late, and by how much: { 1: 40ms }.'),
  stuck: z
    .array(count(0, 4094), { error: 'has to be a list of CPUs' })
    .describe('CPUs that never come to the rendezvous.'),
  debug: yesOrNo.describe('A debug build of Xen. Default: what the image says.'),
  loglvl: text.describe("What the console shows, in Xen's own syntax: info, or warning/all. Default: all."),
  timeout: duration(0xffff_ffffn).describe('Given with every action that has none of its own.'),
  nodeps: yesOrNo.describe('Give every action NODEPS.'),
};

/** The schema of each setting. */
export const SETTING_SCHEMAS = settingShape;

/** Settings that a matrix may vary. */
export const VARIED = ['release', 'cpu', 'cpus', 'debug', 'loglvl'] as const;
