/** Failures outside our input and our code: an unreadable file, a missing tool, a wrong command line. */
export type ErrorCode = 'EUSAGE' | 'EFILE' | 'EIMAGE' | 'EHOST' | 'ETOOL';

/** An environment failure. `message` says what is wrong and where, `hint` how to fix it. */
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
