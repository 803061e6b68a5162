import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type SourceXen, sourceXen } from '../src/targets/index.ts';
import { judge, quantile, type Section, timesOf, timing } from './measure.ts';
import { peakMemory, processWith, XSPLICE } from './processes.ts';

/** A patch of one file, which changes one function. */
const PATCH = fileURLToPath(new URL('../test/build/source-patches/common/one-function.patch', import.meta.url));

/** The source of the largest object of the tree, and a line of it. */
const LARGEST = {
  source: 'xen/arch/x86/x86_emulate/x86_emulate.c',
  object: 'xen/arch/x86/x86_emulate.o',
  line: '    return X86EMUL_UNHANDLEABLE;\n',
  changed: '    return X86EMUL_RETRY;\n',
} as const;

/** Programs that a build runs, which are not ours. */
const TOOLS = ['gcc', 'ld', 'objcopy'] as const;

/** What the numbers are of: a private folder, and the hypervisor that was built from source with its tree. */
interface Place {
  readonly folder: string;
  readonly xen: SourceXen;
}

/** `xsplice build` with an environment of its own: a cache, and programs in front of those of PATH. */
const buildWith = (
  place: Place,
  source: string,
  patch: string,
  env: Readonly<Record<string, string>>,
  more: readonly string[] = [],
) =>
  processWith(
    process.execPath,
    [XSPLICE, 'build', '--source', source, '--xen', place.xen.xenSyms, '--patch', patch, ...more],
    { ...process.env, ...env },
  );

/** Programs that note how many nanoseconds the real ones took. */
function notedTools(folder: string): { readonly path: string; readonly took: () => number } {
  const bin = join(folder, 'bin');
  const log = join(folder, 'took');
  mkdirSync(bin);
  for (const tool of TOOLS) {
    const real = execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim();
    const script = `#!/bin/sh\nstart=$(date +%s%N)\n${real} "$@"\nrc=$?\necho $(($(date +%s%N) - start)) >> ${log}\nexit $rc\n`;
    writeFileSync(join(bin, tool), script);
    chmodSync(join(bin, tool), 0o755);
  }
  return {
    path: `${bin}:${process.env['PATH']}`,
    took: () => {
      const lines = readFileSync(log, 'utf8').trim().split('\n');
      rmSync(log);
      return lines.reduce((sum, line) => sum + Number(line), 0) / 1e6;
    },
  };
}

/** How long it takes from a patch of one file to a payload that was verified. */
async function patchSection(place: Place): Promise<Section> {
  const { folder, xen } = place;
  const out = ['-o', join(folder, 'out.livepatch'), '--jobs', '1'];
  const tools = notedTools(folder);
  const ours: number[] = [];
  const cold = await timesOf(5, async (call) => {
    const env = { XSPLICE_CACHE: join(folder, `cold-${call}`), PATH: tools.path };
    const start = performance.now();
    await buildWith(place, xen.tree, PATCH, env, out)();
    // Compilers run one after the other: what they did not take, we took.
    ours.push(performance.now() - start - tools.took());
  });
  const warm = await timesOf(9, buildWith(place, xen.tree, PATCH, { XSPLICE_CACHE: join(folder, 'cold-0') }, out));
  return {
    title: 'from a patch of one file to a payload, the tree built before',
    timings: [
      timing('nothing in the cache', cold),
      timing('of that, not compiler and linker', ours),
      timing('once more', warm),
    ],
    results: [
      judge('nothing in the cache', quantile(cold, 0.5), 'ms', 'at most', 10_000),
      judge('of that, not compiler and linker', quantile(ours, 0.5), 'ms', 'at most', 1000),
      judge('once more', quantile(warm, 0.5), 'ms', 'at most', 1000),
    ],
  };
}

/** The same where the tree has to be built first, as every other tool does each time. It takes minutes: `--full` only. */
async function fullSection(place: Place): Promise<Section> {
  const { folder, xen } = place;
  const tree = join(folder, 'tree');
  const isMade = (path: string): boolean => /\.(?:o|cmd|d|a)$/.test(basename(path));
  cpSync(xen.tree, tree, { recursive: true, verbatimSymlinks: true, filter: (path) => !isMade(path) });
  const times = async (source: string, cache: string): Promise<number[]> =>
    timesOf(1, buildWith(place, source, PATCH, { XSPLICE_CACHE: join(folder, cache) }));
  const full = await times(tree, 'full');
  const kept = await times(xen.tree, 'kept');
  return {
    title: 'the same where the tree has to be built',
    timings: [timing('built first', full), timing('built before', kept)],
    results: [judge('built before / built first', quantile(kept, 0.5) / quantile(full, 0.5), '×', 'at most', 0.1)],
  };
}

/** The largest object of the hypervisor with a change in its largest function: time and memory of `xsplice diff`. */
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
  const { stdout } = await buildWith(
    place,
    xen.tree,
    patch,
    { XSPLICE_CACHE: join(folder, 'largest'), TMPDIR: temporary },
    ['--keep', '--json'],
  )();
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

/** Live patches from source patches, on the hypervisor that is built from source in the cache. */
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
