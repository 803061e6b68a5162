/** The schema of a manifest, loaded on demand: zod takes time. */
import * as z from 'zod';
import type { SchemaKinds } from '../run/index.ts';

/** Maximum bases of a manifest, and patches of it and of each base. */
const MOST = { bases: 100, patches: 1000 } as const;

/** `xsplice build --manifest FILE`: what to build for which hypervisors. */
export function manifestSchema({ keyed, text, bytesText }: SchemaKinds) {
  const files = z
    .array(text, { error: 'has to be a list of files' })
    .max(MOST.patches, `has more than ${MOST.patches} entries`);
  const buildId = bytesText.refine(({ length }) => length > 0 && length <= 64, 'has to be a build-id: hex digits');
  const base = keyed({
    name: text.describe('What it is called in the report; default: the source.').exactOptional(),
    source: text.describe('A source tree of Xen, or a folder that holds one with its xen-syms and configuration.'),
    xen: text.describe('The xen-syms that runs; default: that of the folder.').exactOptional(),
    config: text.describe('The .config; default: that of the folder.').exactOptional(),
    pristine: files.describe('Patches that the running hypervisor has, and the tree not.').exactOptional(),
    depends: buildId
      .describe('The build-id that has to be on top of the stack; default: that of xen-syms.')
      .exactOptional(),
    'xen-depends': buildId.describe('The build-id of the hypervisor; default: that of xen-syms.').exactOptional(),
    release: text.describe('Follow the rules of this release; default: what xen-syms says.').exactOptional(),
  });
  return keyed({
    name: text.describe('The name of the payload; default: that of the first patch.').exactOptional(),
    patches: files.min(1, 'is empty').describe('What the payload is to carry, in this order.'),
    bases: z
      .array(base, { error: 'has to be a list of bases' })
      .min(1, 'is empty')
      .max(MOST.bases, `has more than ${MOST.bases} entries`),
  });
}
