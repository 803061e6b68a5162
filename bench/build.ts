import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceXen } from '../src/targets/index.ts';
import type { SourceXen } from '../src/targets/qemu/xen-source.ts';
import { judge, quantile, type Section, timesOf, timing } from './measure.ts';
import { ownTime, peakMemory, processWith, XSPLICE } from './processes.ts';

/** A patch of one function in one file. */
const PATCH = fileURLToPath(new URL('../test/builder/source-patches/common/one-function.patch', import.meta.url));

/** The source of the tree's largest object, and one of its lines. */
const LARGEST = {
  source: 'xen/arch/x86/x86_emulate/x86_emulate.c',
  object: 'xen/arch/x86/x86_emulate.o',
  line: '    return X86EMUL_UNHANDLEABLE;\n',
  changed: '    return X86EMUL_RETRY;\n',
} as const;

/** A private folder, and the hypervisor that was built from source, with its tree. */
interface Place {
  readonly folder: string;
  readonly xen: SourceXen;
}

const buildArgs = ({ xen }: Place, source: string, patch: string, more: readonly string[] = []): readonly string[] => [
  ...[XSPLICE, 'build', '--source', source, '--xen', xen.xenSyms, '--patch', patch],
  ...more,
];

/** Returns an environment with a cache in the private folder. */
const withCache = ({ folder }: Place, name: string): NodeJS.ProcessEnv => ({
  ...process.env,
  XSPLICE_CACHE: join(folder, name),
});

/** Measures the time from a one-file patch to a verified payload, and the share without compiler and linker. */
async function patchSection(place: Place): Promise<Section> {
  const args = buildArgs(place, place.xen.tree, PATCH, ['-o', join(place.folder, 'out.livepatch')]);
  const once = (name: string) => processWith(process.execPath, args, withCache(place, name));
  const cold = await timesOf(5, (call) => once(`cold-${call}`)());
  const warm = await timesOf(9, once('cold-0'));
  const own = (names: readonly string[]): number[] => names.map((name) => ownTime(args, withCache(place, name)));
  const ownCold = own(['own-0', 'own-1', 'own-2', 'own-3', 'own-4']);
  const ownWarm = own(['own-0', 'own-1', 'own-2', 'own-3', 'own-4']);
  return {
    title: 'from a patch of one file to a payload, the tree built before',
    timings: [
      timing('nothing in the cache', cold),
      timing('  processor time, without what it runs', ownCold),
      timing('once more', warm),
      timing('  processor time, without what it runs', ownWarm),
    ],
    results: [
      judge('nothing in the cache', quantile(cold, 0.5), 'ms', 'at most', 10_000),
      judge('  processor time, without what it runs', quantile(ownCold, 0.5), 'ms', 'at most', 1000),
      judge('once more, processor time', quantile(ownWarm, 0.5), 'ms', 'at most', 1000),
    ],
  };
}

/** The same including the build of the tree, which other tools repeat each time. Takes minutes: `--full` only. */
async function fullSection(place: Place): Promise<Section> {
  const { folder, xen } = place;
  const tree = join(folder, 'tree');
  const isMade = (path: string): boolean => /\.(?:o|cmd|d|a)$/.test(basename(path));
  cpSync(xen.tree, tree, { recursive: true, verbatimSymlinks: true, filter: (path) => !isMade(path) });
  const times = async (source: string, cache: string): Promise<number[]> =>
    timesOf(1, processWith(process.execPath, buildArgs(place, source, PATCH), withCache(place, cache)));
  const full = await times(tree, 'full');
  const kept = await times(xen.tree, 'kept');
  return {
    title: 'the same where the tree has to be built',
    timings: [timing('built first', full), timing('built before', kept)],
    results: [judge('built before / built first', quantile(kept, 0.5) / quantile(full, 0.5), '×', 'at most', 0.1)],
  };
}

/** Measures time and memory of `xsplice diff` on the largest object, with a change in its largest function. */
async function largestDiffSection(place: Place): Promise<Section> {
  const { folder, xen } = place;
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  const text = readFileSync(join(xen.tree, LARGEST.source), 'latin1');
  writeFileSync(join(folder, 'before.c'), text, 'latin1');
  writeFileSync(join(folder, 'after.c'), text.replace(LARGEST.line, LARGEST.changed), 'latin1');
  const patch = join(folder, 'largest.patch');
  const labels = ['--label', `a/${LARGEST.source}`, '--label', `b/${LARGEST.source}`];
  execFileSync('sh', ['-c', 'diff -u "$@" before.c after.c > largest.patch; test $? = 1', 'diff', ...labels], {
    cwd: folder,
  });
  const made = buildArgs(place, xen.tree, patch, ['--keep', '--json']);
  const { stdout } = processWith(process.execPath, made, { ...withCache(place, 'largest'), TMPDIR: temporary })();
  const { bases } = JSON.parse(stdout) as { bases: { kept: string }[] };
  const [before, after] = ['before', 'after'].map((side) => join(bases[0]?.kept ?? '', side, LARGEST.object)) as [
    string,
    string,
  ];
  const args = [XSPLICE, 'diff', before, after, '--xen', xen.xenSyms];
  const times = await timesOf(7, processWith(process.execPath, args, process.env));
  const memory = Array.from({ length: 3 }, () => peakMemory(args));
  const megabytes = (readFileSync(after).length / 1e6).toFixed(1);
  return {
    title: `xsplice diff of ${LARGEST.object}, ${megabytes} MB each`,
    timings: [timing('the whole process', times)],
    results: [
      judge('the whole process', quantile(times, 0.5), 'ms', 'at most', 1000),
      judge('peak memory', quantile(memory, 0.5), 'MB', 'at most', 200),
    ],
  };
}

/** Measures live patches from source patches, on the hypervisor built from source in the cache. */
export async function buildSections(full: boolean): Promise<Section[]> {
  const folder = mkdtempSync(join(tmpdir(), 'xsplice-bench-'));
  try {
    const place = { folder, xen: await sourceXen({ env: process.env }, 'x86_64') };
    const sections = [await patchSection(place), await largestDiffSection(place)];
    return full ? [...sections, await fullSection(place)] : sections;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
