import { ensure } from '../base/index.ts';
import type { CheckedPayload, CheckMatrix, MatrixCell, MatrixPayload, MatrixXen } from '../documents/index.ts';
import { isProblem } from '../elf/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import { readPayload } from '../payload/index.ts';

/** Reads the payloads' notes, and finds which payload depends on which. Members are null for a file that is not an ELF file. */
export function matrixPayloads(payloads: readonly PayloadInput[]): MatrixPayload[] {
  const identities = payloads.map(({ bytes }) => {
    const file = readPayload(bytes);
    return isProblem(file) ? undefined : file.identity;
  });
  const byBuildId = new Map<string, number>();
  identities.forEach((identity, i) => {
    const id = identity?.buildId?.id;
    if (id !== undefined && !byBuildId.has(id)) byBuildId.set(id, i);
  });
  return payloads.map(({ file, name }, i) => {
    const depends = identities[i]?.depends?.id ?? null;
    const below = depends === null ? undefined : byBuildId.get(depends);
    return {
      file,
      name,
      buildId: identities[i]?.buildId?.id ?? null,
      depends,
      xenDepends: identities[i]?.xenDepends?.id ?? null,
      dependsOn: below === undefined || below === i ? null : below,
    };
  });
}

/** Builds the matrix. `checked` has a row for each hypervisor, with all payloads in order. */
export function checkMatrix(
  hypervisors: readonly MatrixXen[],
  payloads: readonly MatrixPayload[],
  checked: readonly (readonly CheckedPayload[])[],
): CheckMatrix {
  const cells = payloads.flatMap((payload, p) =>
    hypervisors.map((xen, x): MatrixCell => {
      const { verdict, errno, console, findings } = ensure(checked[x]?.[p], 'every cell of the matrix is checked');
      const named = xen.buildId !== null && (payload.xenDepends === xen.buildId || payload.depends === xen.buildId);
      return { payload: p, xen: x, named, verdict, errno, console, findings };
    }),
  );
  return { format: 'xsplice-check-matrix/1', hypervisors, payloads, cells };
}
