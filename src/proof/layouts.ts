import { type Finding, finding } from '../base/index.ts';
import {
  type DwarfFile,
  definitionsOf,
  type Inflate,
  layoutChanges,
  type NamedKind,
  readDwarf,
} from '../dwarf/index.ts';
import type { ProofObject } from './program.ts';

const KINDS: readonly NamedKind[] = ['struct', 'union', 'enum'];

/**
 * Compares the layouts of all types that objects of one name have before and after. The host has objects of the old layouts, whatever its code is.
 * A note where debug data is missing.
 */
export function layoutFindings(
  before: readonly ProofObject[],
  after: readonly ProofObject[],
  inflate: Inflate | undefined,
): Finding[] {
  const findings: Finding[] = [];
  const told = new Set<string>();
  const originals = new Map(before.map((object) => [object.name, object]));
  for (const { name: file, elf } of after) {
    const original = originals.get(file);
    if (original === undefined) continue;
    const options = inflate === undefined ? {} : { inflate };
    const [was, is] = [readDwarf(original.elf, options), readDwarf(elf, options)];
    if (was === undefined || is === undefined) {
      const message = 'layouts of structures were not compared: there is no debug data of both objects';
      findings.push(finding('proof-layout', { severity: 'note', message, where: { file } }));
      continue;
    }
    for (const kind of KINDS) {
      for (const name of is.names(kind)) {
        if (told.has(`${kind} ${name}`) || !differs(was, is, kind, name)) continue;
        told.add(`${kind} ${name}`);
        findings.push(
          finding('proof-layout', {
            message: `${kind} ${name} has another layout after the patch`,
            where: { file, symbol: name },
          }),
        );
      }
    }
  }
  return findings;
}

function differs(was: DwarfFile, is: DwarfFile, kind: NamedKind, name: string): boolean {
  const originals = definitionsOf(was, kind, name);
  if (originals.length === 0) return false;
  return definitionsOf(is, kind, name).some((entry) =>
    originals.every((original) => layoutChanges(original, entry).length > 0),
  );
}
