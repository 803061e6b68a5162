import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Inputs } from './inputs.ts';
import { type Contest, judge, quantile, type Section, type Work } from './measure.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export const XSPLICE = here('../bin/xsplice.js');

/** A whole process in an environment. It has to succeed. */
export function processWith(program: string, args: readonly string[], env: NodeJS.ProcessEnv) {
  return (): { readonly stdout: string } => {
    const { status, stdout, stderr } = spawnSync(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
      maxBuffer: 256 << 20,
      env,
    });
    if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with status ${status}: ${stderr}`);
    return { stdout };
  };
}

/** A whole process, its output read and thrown away. It has to succeed. */
export const processOf = (program: string, args: readonly string[]): Work => processWith(program, args, process.env);

/** The yardstick of a check: everything that readelf can tell of the same two files. */
export const readelfOf = ({ xenSyms, payload }: Inputs): Work =>
  processOf('readelf', ['-aW', xenSyms.path, payload.path]);

const checkArgs = ({ xenSyms, payload }: Inputs): string[] => [XSPLICE, 'check', payload.path, '--xen', xenSyms.path];

/** The whole process `xsplice check`, against a Node that does nothing. */
export const processContest = (inputs: Inputs): Contest => ({
  title: 'the whole process',
  works: {
    'xsplice check': processOf(process.execPath, checkArgs(inputs)),
    'node -e 0': processOf(process.execPath, ['-e', '0']),
    'readelf -aW': readelfOf(inputs),
  },
  ratios: [{ of: 'xsplice check', to: 'node -e 0', aim: 1.6 }],
  rounds: 8,
});

/** Peak memory of a Node process in MB (10^6 bytes). */
export function peakMemory(args: readonly string[]): number {
  const all = ['--require', here('max-rss.cjs'), ...args];
  const { output } = spawnSync(process.execPath, all, {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  return (Number(output[3]) * 1024) / 1e6;
}

/** Most memory that `xsplice check` has at a time. */
export function memorySection(inputs: Inputs): Section {
  const runs = Array.from({ length: 5 }, () => peakMemory(checkArgs(inputs)));
  const empty = Array.from({ length: 5 }, () => peakMemory(['-e', '0']));
  return {
    title: `peak memory (an empty Node: ${quantile(empty, 0.5).toFixed(0)} MB)`,
    timings: [],
    results: [judge('xsplice check', quantile(runs, 0.5), 'MB', 'at most', 150)],
  };
}
