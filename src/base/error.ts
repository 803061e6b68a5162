/**
 * What went wrong outside our input and our code: a file that cannot be read, a tool that is missing, a
 * command line that makes no sense.
 */
export type ErrorCode = 'EUSAGE' | 'EFILE' | 'EIMAGE' | 'EHOST' | 'ETOOL';

/** An environment failure. `message` says what is wrong and where, `hint` what to do about it. */
export class XspliceError extends Error {
  override readonly name = 'XspliceError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, hint?: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}
