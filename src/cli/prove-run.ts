import { openHost } from '../builder/index.ts';
import { documentFinding, type ProofDocument } from '../documents/index.ts';
import { prove } from '../proof/index.ts';
import { toByteString } from './byte-string.ts';
import { PAYLOAD_CAP, readBounded, readImage } from './files.ts';
import { ownPairs, readObjectPairs } from './object-pairs.ts';
import { PORTS } from './ports.ts';

/** The files of `xsplice prove`, and the release whose rules are in force, by default the image’s. */
export interface ProveRun {
  readonly payload: string;
  readonly before: string;
  readonly after: string;
  readonly xen: string;
  readonly release?: string;
}

/** Reads the files and proves the payload. Rejects with an XspliceError if a file cannot be read or is not a hypervisor. */
export async function runProve(
  { payload, before, after, xen, release }: ProveRun,
  cwd: string,
): Promise<ProofDocument> {
  const bytes = readBounded(payload, cwd, PAYLOAD_CAP, 'payload');
  const simulation = openHost(readImage(xen, cwd), release === undefined ? {} : { release }, PORTS);
  const { image, identity } = simulation;
  const found = readObjectPairs(before, after, cwd);
  const { pairs } = ownPairs(found, image.arch.machine);
  const { verdict, functions, findings } = prove({
    image,
    release: simulation.release,
    before: pairs.flatMap(({ object, orig }) => (orig === null ? [] : [{ name: object, bytes: orig }])),
    after: pairs.flatMap(({ object, patched }) => (patched === null ? [] : [{ name: object, bytes: patched }])),
    payload: bytes,
    disassembler: await PORTS.loadDisassembler(),
    inflate: PORTS.inflate,
  });
  return {
    format: 'xsplice-proof/1',
    verdict,
    payload: { file: toByteString(payload), bytes: bytes.length },
    xen: { release: identity.release, buildId: identity.buildId, arch: image.arch.name },
    objects: { compared: found.compared, identical: found.identical },
    functions,
    findings: findings.map(documentFinding),
  };
}
