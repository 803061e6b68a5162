import type { CStruct } from '../base/index.ts';
import { type Release, structPayload } from '../xen/index.ts';
import type { Architecture } from './architecture.ts';

/** Returns `struct payload` of a release on an architecture. */
export const structPayloadOf = ({ elf, bugFrames }: Architecture, release: Release): CStruct =>
  structPayload(release, { pointerSize: elf.pointerSize, bugFrames: bugFrames.types(release).length });
