import { type Finding, hexAddress, type Place } from '../base/index.ts';
import type { DocumentFinding, DocumentPlace } from './finding.ts';

/** A place with its address as text. Members that are not known stay absent. */
export function documentPlace(place: Place): DocumentPlace {
  const { address, ...rest } = place;
  return address === undefined ? rest : { ...rest, address: hexAddress(address) };
}

/** A finding as documents hold it. */
export const documentFinding = (finding: Finding): DocumentFinding => ({
  rule: finding.rule,
  severity: finding.severity,
  message: finding.message,
  where: documentPlace(finding.where),
  ...(finding.advice !== undefined && { advice: finding.advice }),
});

/** The findings of a build or a diff as documents hold them. */
export const listsOf = ({
  refusals,
  remarks,
}: {
  readonly refusals: readonly Finding[];
  readonly remarks: readonly Finding[];
}): { readonly refusals: readonly DocumentFinding[]; readonly remarks: readonly DocumentFinding[] } => ({
  refusals: refusals.map(documentFinding),
  remarks: remarks.map(documentFinding),
});
