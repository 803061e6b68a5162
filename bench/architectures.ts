import { exampleManifest } from '../src/cli/embedded/index.ts';
import { example } from '../src/cli/examples.ts';
import { gunzip } from '../src/cli/gunzip.ts';
import { loadEmulator } from '../src/emulator/index.ts';
import type { PayloadInput } from '../src/payload/index.ts';
import { checkPayloads, rehearsePayloads, type SimulationOptions } from '../src/run/index.ts';
import type { Contest, Work } from './measure.ts';

const openCpu = await loadEmulator();

/** What to do with an example. */
type Deed = (image: Uint8Array, payloads: readonly PayloadInput[], options: SimulationOptions) => Promise<string>;

const rehearse: Deed = async (image, payloads, options) => (await rehearsePayloads(image, payloads, options)).verdict;

const check: Deed = async (image, payloads, options) =>
  (await checkPayloads(image, payloads, options)).payloads[0]?.verdict ?? 'none';

/** Returns x86-64's name of an example, and those of the other architectures. */
const namesOf = (name: string): string[] =>
  exampleManifest.images.map((image) => image.name.replace('miniature-xen', name));

/** Measures an example on all architectures, relative to x86-64. */
async function acrossArchitectures(
  title: string,
  name: string,
  settings: {
    readonly deed: Deed;
    readonly verdict: string;
    readonly options: SimulationOptions;
    readonly aim: number;
  },
): Promise<Contest> {
  const names = namesOf(name);
  const works: Record<string, Work> = {};
  for (const each of names) {
    const { image, payloads } = await example(each);
    works[each] = async () => {
      const verdict = await settings.deed(image, payloads, { gunzip, ...settings.options });
      if (verdict !== settings.verdict) throw new Error(`${each}: ${verdict}`);
    };
  }
  const [to = '', ...others] = names;
  return { title, works, ratios: others.map((of) => ({ of, to, aim: settings.aim })), calls: 20 };
}

/** From the bytes of both files to the verdict. */
export const exampleCheckContest = (): Promise<Contest> =>
  acrossArchitectures('an embedded example, checked', 'hello', {
    deed: check,
    verdict: 'accepted',
    options: {},
    aim: 1.5,
  });

/** A payload's whole life on its own host, observed after each step. */
export const exampleLifeContest = (): Promise<Contest> =>
  acrossArchitectures('an embedded example, rehearsed', 'hello', {
    deed: rehearse,
    verdict: 'passed',
    options: {},
    aim: 1.5,
  });

/** The same with hooks that run. */
export const exampleHookContest = (): Promise<Contest> =>
  acrossArchitectures('an embedded example with hooks that run, rehearsed', 'hooks', {
    deed: rehearse,
    verdict: 'passed',
    options: { openCpu },
    aim: 2,
  });
