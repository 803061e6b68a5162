import { XspliceError } from '../base/index.ts';
import type { PayloadFile } from '../scenario/index.ts';
import type { Example } from './engine.ts';

/** Names that `--example` takes. */
export async function exampleNames(): Promise<string[]> {
  const { exampleManifest } = await import('./embedded/index.ts');
  return exampleManifest.payloads.map((payload) => payload.name);
}

/** What an example is uploaded as: its name without the architecture. */
const uploadName = (name: string): string => name.replace(/^.*\//, '');

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
    throw new XspliceError('EUSAGE', `no example is called ${name}`, thereAre([...known.keys()]));
  }
  const payloads: PayloadFile[] = [];
  const taken = new Set<string>();
  for (let at: typeof wanted | undefined = wanted; at !== undefined && !taken.has(at.name); ) {
    const bytes = embeddedExample(at.name);
    if (bytes === undefined) break;
    taken.add(at.name);
    const name = uploadName(at.name);
    payloads.unshift({ file: `${name}.livepatch`, name, bytes });
    at = at.depends === null ? undefined : known.get(at.depends);
  }
  return { image, payloads };
}

/** All names, those that several architectures have once. */
function thereAre(names: readonly string[]): string {
  const plain = names.filter((name) => !name.includes('/'));
  const shared = (name: string): boolean => name.includes('/') && plain.includes(uploadName(name));
  const folders = [...new Set(names.filter(shared).map((name) => name.slice(0, name.indexOf('/') + 1)))];
  const own = names.filter((name) => !shared(name));
  return `there are: ${own.join(', ')}; and ${folders.join(' and ')} before all of x86-64`;
}
