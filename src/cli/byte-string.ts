/** Text as the operating system has it, UTF-8, as a byte string. */
export const toByteString = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
