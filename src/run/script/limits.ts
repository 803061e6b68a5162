import { XspliceError } from '../../base/index.ts';

/** Bounds of a scenario: the files come from anybody, and reading one has to end soon, in little memory. */
export const SCRIPT_LIMITS = {
  /** Bytes of one file. */
  fileBytes: 256 * 1024,
  /** Lists and mappings inside of one another. */
  nesting: 32,
  /** Values in one file, each alias counted as all that it stands for. */
  values: 100_000,
  /** Aliases (`*name`) in one file. */
  aliases: 100,
  /** Files that include one another. */
  includeDepth: 8,
  /** Times that files are included in one scenario, a file that is included twice counted twice. */
  includes: 64,
  /** Steps of one run, after includes. */
  steps: 10_000,
  /** Runs that one scenario's matrix makes. */
  combinations: 1000,
  /** Steps of all these runs together. */
  stepsOfAll: 100_000,
  /** Bytes of one text once its variables are in place. */
  textBytes: 64 * 1024,
  /** Bytes of all texts of one run once their variables are in place. */
  textsBytes: 4 * 1024 * 1024,
  /** Bytes of one buffer that a function is called with. */
  bufferBytes: 1024 * 1024,
  /** Bytes of all buffers of one run. */
  buffersBytes: 16 * 1024 * 1024,
  /** Arguments of one call. */
  args: 16,
  /** Payloads, each of which is fitted onto the next. */
  dependsDepth: 16,
} as const;

/** The error for a file that is beyond a limit. `what` is counted: `steps`. */
export const beyondLimit = (where: string, what: string, limit: number): XspliceError =>
  new XspliceError(
    'EFILE',
    `${where}: more than ${limit} ${what}`,
    `${limit} ${what} is the limit: make several scenarios of it`,
  );
