import { type Finding, finding, type Place } from '../base/index.ts';

/** Why bytes cannot be read. Returned by the readers of ELF files, never thrown; offsets are bytes from the start of the file unless a section is named. */
export const problem = (message: string, where: Place = {}): Finding => finding('malformed-elf', { message, where });

/** Did a reader refuse its bytes? */
export const isProblem = (result: object): result is Finding => 'rule' in result && 'severity' in result;
