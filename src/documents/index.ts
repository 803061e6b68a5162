/** What the commands publish: one document per file, as `--json` prints it. */
export * from './call.ts';
export * from './code.ts';
export * from './document-finding.ts';
export * from './documents.ts';
export * from './hex-text.ts';
export * from './matrix.ts';
export * from './scenario.ts';
