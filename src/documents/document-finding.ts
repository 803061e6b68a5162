import type { Finding, Place } from '../base/index.ts';
import { hexAddress } from '../base/index.ts';
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
});
