/** Documents as text for a terminal and as JSON. The zod schemas are apart (`schemas.ts`): loading zod takes time. */
export * from './check.ts';
export * from './conformance.ts';
export * from './display-text.ts';
export * from './findings.ts';
export * from './inspect.ts';
export * from './json.ts';
export * from './junit.ts';
export * from './rehearsal.ts';
export * from './releases.ts';
export * from './rules.ts';
export * from './scenario.ts';
export * from './style.ts';
