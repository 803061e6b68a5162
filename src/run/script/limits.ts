import { XspliceError } from '../../base/index.ts';

/** Limits of a scenario. The files may come from anyone, so reading one must end soon and take little memory. */
export const SCRIPT_LIMITS = {
  /** Bytes of one file. */
  fileBytes: 256 * 1024,
  /** Nesting depth of lists and mappings. */
  nesting: 32,
  /** Values in one file, after aliases are expanded. */
  values: 100_000,
  /** Aliases (`*name`) in one file. */
  aliases: 100,
  /** Depth of includes. */
  includeDepth: 8,
  /** Includes in one scenario. */
  includes: 64,
  /** Steps of one run, after includes. */
  steps: 10_000,
  /** Runs of one scenario's matrix. */
  combinations: 1000,
  /** Steps of all these runs. */
  stepsOfAll: 100_000,
  /** Bytes of one text after substitution of variables. */
  textBytes: 64 * 1024,
  /** Bytes of all texts of one run after substitution of variables. */
  textsBytes: 4 * 1024 * 1024,
  /** Bytes of one buffer argument. */
  bufferBytes: 1024 * 1024,
  /** Bytes of all buffer arguments of one run. */
  buffersBytes: 16 * 1024 * 1024,
  /** Arguments of one call. */
  args: 16,
  /** Depth of `depends` between fitted payloads. */
  dependsDepth: 16,
} as const;

/** Makes the error for a file that exceeds a limit. `what` names the counted things, as in `steps`. */
export const beyondLimit = (where: string, what: string, limit: number): XspliceError =>
  new XspliceError(
    'EFILE',
    `${where}: more than ${limit} ${what}`,
    `${limit} ${what} is the limit: make several scenarios of it`,
  );
