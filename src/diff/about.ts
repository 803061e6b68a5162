import { type Finding, finding } from '../base/index.ts';
import { CATALOGUE, type RuleId } from '../catalogue/index.ts';

/** Makes a finding about an object, or about a function, variable or structure in it. An error always has advice: its own, or the catalogue's. */
export function about(rule: RuleId, object: string, symbol: string | null, message: string, advice?: string): Finding {
  const { severity, advice: usual } = CATALOGUE[rule];
  const next = advice ?? (severity === 'error' ? usual : undefined);
  return finding(rule, {
    message,
    where: { file: object, ...(symbol !== null && symbol !== '' && { symbol }) },
    ...(next !== undefined && { advice: next }),
  });
}
