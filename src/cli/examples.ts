import { XspliceError } from '../base/index.ts';
import type { PayloadFile } from '../scenario/index.ts';
import type { Example } from './engine.ts';

/** Names that `--example` takes. */
export async function exampleNames(): Promise<string[]> {
  const { exampleManifest } = await import('./embedded/index.ts');
  return exampleManifest.payloads.map((payload) => payload.name);
}

/**
 * An example with what it stands on: a payload that depends on another example is rehearsed on top of that one. Rejects
 * with an XspliceError (EUSAGE) for a name that is none.
 */
export async function example(name: string): Promise<Example> {
  const { embeddedExample, exampleManifest } = await import('./embedded/index.ts');
  const known = new Map(exampleManifest.payloads.map((payload) => [payload.name, payload]));
  const wanted = known.get(name);
  const host = exampleManifest.images.find(({ arch }) => arch === wanted?.arch);
  const image = host === undefined ? undefined : embeddedExample(host.name);
  if (wanted === undefined || image === undefined) {
    throw new XspliceError('EUSAGE', `no example is called ${name}`, `there are: ${[...known.keys()].join(', ')}`);
  }
  const payloads: PayloadFile[] = [];
  const taken = new Set<string>();
  for (let at: typeof wanted | undefined = wanted; at !== undefined && !taken.has(at.name); ) {
    const bytes = embeddedExample(at.name);
    if (bytes === undefined) break;
    taken.add(at.name);
    const name = at.name.replace(/^.*\//, '');
    payloads.unshift({ file: `${name}.livepatch`, name, bytes });
    at = at.depends === null ? undefined : known.get(at.depends);
  }
  return { image, payloads };
}
