/** Addresses, byte helpers, record tables, findings, errors, asserts. Imports nothing. */
export * from './address.ts';
export * from './assert.ts';
export * from './bytes.ts';
export * from './c-struct.ts';
export * from './content-id.ts';
export * from './error.ts';
export * from './finding.ts';
export * from './group-by.ts';
export * from './nearest.ts';
export * from './record.ts';
export * from './rule-id.ts';
