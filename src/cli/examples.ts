import { XspliceError } from '../base/index.ts';
import type { PayloadInput } from '../payload/index.ts';
import type { Example, ListedExample } from './engine.ts';

/** Returns the names that `--example` accepts. */
export async function exampleNames(): Promise<string[]> {
  const { exampleManifest } = await import('./embedded/index.ts');
  return exampleManifest.payloads.map((payload) => payload.name);
}

/** Returns the payload name of an example: without the architecture. */
const uploadName = (name: string): string => name.replace(/^.*\//, '');

/**
 * Returns an example with its hypervisor and, below it in the stack, the examples that it depends on. Rejects with an XspliceError (EUSAGE)
 * for an unknown name.
 */
export async function example(name: string): Promise<Example> {
  const { embeddedExample, exampleManifest } = await import('./embedded/index.ts');
  const known = new Map(exampleManifest.payloads.map((payload) => [payload.name, payload]));
  const wanted = known.get(name);
  if (wanted === undefined) throw unknown(name, [...known.keys()]);
  const host = exampleManifest.images.find(({ arch }) => arch === wanted.arch);
  const image = host === undefined ? undefined : embeddedExample(host.name);
  if (image === undefined) throw new Error(`no embedded hypervisor for ${wanted.arch}`);
  const payloads: PayloadInput[] = [];
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

/** Describes the named examples, or all if `names` is empty. Rejects like {@link example}. */
export async function listExamples(names: readonly string[]): Promise<ListedExample[]> {
  const { exampleManifest } = await import('./embedded/index.ts');
  const { payloads } = exampleManifest;
  const known = payloads.map(({ name }) => name);
  const missing = names.find((name) => !known.includes(name));
  if (missing !== undefined) throw unknown(missing, known);
  return payloads
    .filter(({ name }) => names.length === 0 || names.includes(name))
    .map(({ name, arch, title, expected }) => {
      const verdict = expected.verdict === 'accepted' ? 'accepted' : `refused ${expected.errno}`;
      return { name, arch, verdict, title };
    });
}

/** Returns the files of examples and of their hypervisors: bytes by relative path. */
export async function exampleFiles(listed: readonly ListedExample[]): Promise<Map<string, Uint8Array>> {
  const { embeddedExample, exampleManifest } = await import('./embedded/index.ts');
  const archs = new Set(listed.map(({ arch }) => arch));
  const images = exampleManifest.images.filter(({ arch }) => archs.has(arch)).map(({ name }) => [name, name] as const);
  const payloads = listed.map(({ name }) => [`${name}.livepatch`, name] as const);
  const files = new Map<string, Uint8Array>();
  for (const [path, name] of [...images, ...payloads]) {
    const bytes = embeddedExample(name);
    if (bytes !== undefined) files.set(path, bytes);
  }
  return files;
}

const unknown = (name: string, names: readonly string[]): XspliceError =>
  new XspliceError('EUSAGE', `unknown example ${name}`, knownExamples(names));

/** Lists the names; those that exist for several architectures once. */
function knownExamples(names: readonly string[]): string {
  const plain = names.filter((name) => !name.includes('/'));
  const shared = (name: string): boolean => name.includes('/') && plain.includes(uploadName(name));
  const folders = [...new Set(names.filter(shared).map((name) => name.slice(0, name.indexOf('/') + 1)))];
  const own = names.filter((name) => !shared(name));
  return `examples: ${own.join(', ')}; prefix those of x86-64 with ${folders.join(' or ')} for the other architectures`;
}
