import { linkPayload } from '../../../src/builder/index.ts';
import type { PairsDiff } from '../../../src/diff/index.ts';
import { type Proof, prove } from '../../../src/proof/index.ts';
import { disassembler, type Sources, type Subject, type SubjectArch } from '../../diff/support/subject.ts';

const objectName = (file: string): string => `common/${file.replace(/\.c$/, '.o')}`;

/** What a proof of one change is made from. */
export interface Change {
  readonly arch: SubjectArch;
  readonly subject: Subject;
  readonly before: Sources;
  readonly after: Sources;
}

/** Links the objects of a diff as `xsplice diff --link` does, without notes. */
export const linked = ({ objects }: PairsDiff, arch: SubjectArch): Promise<Uint8Array> =>
  linkPayload(objects, { arch, env: process.env, buildId: 'none' });

/** Proves a payload for a change; `damage` is done to the objects after it. */
export async function proofOf(
  { subject, before, after }: Change,
  payload: Uint8Array,
  damage: (object: Uint8Array) => Uint8Array = (object) => object,
): Promise<Proof> {
  const files = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return prove({
    image: subject.image,
    release: subject.release,
    before: files.flatMap((file) => (file in before ? [{ name: objectName(file), bytes: subject.object(file) }] : [])),
    after: files.map((file) => ({
      name: objectName(file),
      bytes: damage(subject.compile(file, after[file] ?? before[file] ?? '')),
    })),
    payload,
    disassembler: await disassembler(),
  });
}
