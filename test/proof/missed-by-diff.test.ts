import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { subject } from '../diff/support/subject.ts';
import { linked, proofOf } from './support/proving.ts';

// The differ builds these payloads, although they are not the fix: the proof has to say so. See docs/diff.md.
it.each([
  ['x86_64', '54-const-identity', 'proof-identity'],
  ['arm64', '54-const-identity', 'proof-identity'],
  ['x86_64', '26-endbr-new', 'proof-entry'],
] as const)('on %s, does not prove the payload of %s, which the differ builds', async (arch, folder, rule) => {
  const text = (side: string) => readFileSync(`test/diff/cases/${folder}/${side}.c`, 'utf8');
  const [before, after] = [{ 'a.c': text('before') }, { 'a.c': text('after') }];
  const host = await subject(arch, before);
  try {
    const payload = await linked(host.diff(after), arch);
    const { verdict, findings } = await proofOf({ arch, subject: host, before, after }, payload);
    expect(verdict).toBe('not proved');
    expect([...new Set(findings.map((finding) => finding.rule))]).toEqual([rule]);
  } finally {
    host.remove();
  }
});
