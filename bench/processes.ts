import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Inputs } from './inputs.ts';
import { type Contest, judge, quantile, type Section, type Work } from './measure.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export const XSPLICE = here('../bin/xsplice.js');

/** Runs a whole process in an environment; it must succeed. */
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

/** Runs a whole process and discards its output; it must succeed. */
export const processOf = (program: string, args: readonly string[]): Work => processWith(program, args, process.env);

/** The yardstick of a check: everything that readelf prints about the same two files. */
export const readelfOf = ({ xenSyms, payload }: Inputs): Work =>
  processOf('readelf', ['-aW', xenSyms.path, payload.path]);

const checkArgs = ({ xenSyms, payload }: Inputs): string[] => [XSPLICE, 'check', payload.path, '--xen', xenSyms.path];

/** Compares the process `xsplice check` with a Node process that does nothing. */
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

/** Runs a Node process after a script that writes a number to file descriptor 3; it must succeed. */
function toldBy(script: string, args: readonly string[], env: NodeJS.ProcessEnv): number {
  const { output, status } = spawnSync(process.execPath, ['--require', here(script), ...args], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    env,
  });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with status ${status}`);
  return Number(output[3]);
}

/** Returns the peak memory of a Node process in MB (10^6 bytes). */
export const peakMemory = (args: readonly string[]): number => (toldBy('max-rss.cjs', args, process.env) * 1024) / 1e6;

/** Returns a Node process's own CPU time in milliseconds, without its children. Independent of other load. */
export const ownTime = (args: readonly string[], env: NodeJS.ProcessEnv): number =>
  toldBy('cpu-time.cjs', args, env) / 1000;

/** Measures the peak memory of `xsplice check`. */
export function memorySection(inputs: Inputs): Section {
  const runs = Array.from({ length: 5 }, () => peakMemory(checkArgs(inputs)));
  const empty = Array.from({ length: 5 }, () => peakMemory(['-e', '0']));
  return {
    title: `peak memory (an empty Node: ${quantile(empty, 0.5).toFixed(0)} MB)`,
    timings: [],
    results: [judge('xsplice check', quantile(runs, 0.5), 'MB', 'at most', 150)],
  };
}
