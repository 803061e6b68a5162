import { expect } from 'vitest';
import type { PayloadBuilder } from '../support/elf-builder.ts';
import { MutableElf } from './mutable-elf.ts';
import { payloadFor, type StatePayload } from './state-support.ts';
import { bootHost, digest, upload } from './support.ts';

/** No refusal. */
export const OK = null;

/** One fault in a payload, and Xen's reaction. */
export interface Case {
  readonly what: string;
  /** Xen's errno, or {@link OK}. */
  readonly errno: string | null;
  /** The line after `livepatch: p: `, or after `livepatch: ` if it starts with that; `null` for none. */
  readonly line: string | null;
  readonly spec?: StatePayload;
  readonly break?: (elf: MutableElf) => void;
}

export const more = (build: (builder: PayloadBuilder) => void): StatePayload => ({ more: build });

/** Uploads it and compares; a refusal leaves a finding and no other trace. */
export function run(release: string, { errno, line, spec = {}, break: breaks }: Case): void {
  const target = bootHost({ release });
  const before = digest(target);
  const elf = new MutableElf(payloadFor({ release, ...spec }));
  breaks?.(elf);
  const outcome = upload(target, 'p', elf.bytes);
  const said = line === null ? [] : [expect.stringContaining(line.startsWith('livepatch: ') ? line : `livepatch: p: `)];
  expect({ errno: outcome.errno, console: outcome.console.slice(0, 1) }).toEqual({ errno, console: said });
  if (line !== null) expect(outcome.console[0]).toContain(line);
  if (errno !== OK) {
    expect(digest(target)).toBe(before);
    expect(outcome.findings.map(({ severity }) => severity)).toContain('error');
  }
}
