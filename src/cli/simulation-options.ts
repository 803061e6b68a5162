import type { Command } from 'commander';
import { XspliceError } from '../base/index.ts';
import type { SimulationOptions } from '../run/index.ts';
import { cpuCount, cpuList, lateCpu, logLevel, timeout } from './values.ts';

/** Adds the options that select one hypervisor: `--xen`, `--release`, `--cpu`. */
export const addHostOptions = (command: Command): Command =>
  addRulesOptions(command.option('--xen <xen-syms>', 'xen-syms of the exact build that runs'));

/** Adds the options that apply to every hypervisor of the run: `--release` and `--cpu`. */
export const addRulesOptions = (command: Command): Command =>
  command
    .option('--release <release>', 'follow the rules of this release (default: that of xen-syms)')
    .option('--cpu <preset>', 'CPU model of the simulated host');

/** Adds the options that configure the simulated host and its rehearsal. */
export const addMachineOptions = (command: Command): Command =>
  command
    .option('--cpus <n>', 'number of online CPUs', cpuCount)
    .option('--late <cpu=ns>', 'delay this CPU on its way to the rendezvous; repeatable', lateCpu)
    .option('--stuck <cpu>', 'keep this CPU away from the rendezvous; repeatable', cpuList)
    .option('--loglvl <level>', "console log level in Xen's syntax (default: all)", logLevel)
    .option('--debug', 'behave like a debug build of Xen (default: as xen-syms was built)')
    .option('--no-debug', 'behave like a release build of Xen')
    .option('--timeout <ns>', "timeout of the rendezvous; 0 is Xen's default, 30 ms", timeout)
    .option('--nodeps', 'apply with NODEPS: Xen does not check the order of the stack')
    .option('--replace', 'apply the second and later payloads with REPLACE');

/** Values that commander parses from these options. */
export type SimulationFlags = { readonly xen?: string } & Omit<SimulationOptions, 'progress' | 'gunzip'>;

/** Converts commander's values. Throws an XspliceError (EUSAGE) for a late or stuck CPU that `--cpus` excludes. */
export function simulationOptions(
  flags: Omit<SimulationFlags, 'xen'>,
  progress: (doing: string) => void,
): SimulationOptions {
  const { release, cpu, cpus, late, stuck, loglvl, debug, timeout: wait, nodeps, replace } = flags;
  if (cpus !== undefined) {
    for (const number of [...(stuck ?? []), ...Object.keys(late ?? {}).map(Number)]) {
      if (number >= cpus) {
        throw new XspliceError('EUSAGE', `no CPU ${number}: --cpus ${cpus} gives CPUs 0 to ${cpus - 1}`);
      }
    }
  }
  return {
    ...(release === undefined ? {} : { release }),
    ...(cpu === undefined ? {} : { cpu }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(late === undefined ? {} : { late }),
    ...(stuck === undefined ? {} : { stuck }),
    ...(loglvl === undefined ? {} : { loglvl }),
    ...(debug === undefined ? {} : { debug }),
    ...(wait === undefined ? {} : { timeout: wait }),
    ...(nodeps === undefined ? {} : { nodeps }),
    ...(replace === undefined ? {} : { replace }),
    progress,
  };
}

/** Returns the value of `--xen`. Throws an XspliceError (EUSAGE) if it is missing. */
export function requireImage<T>({ xen }: { readonly xen?: T }): T {
  if (xen !== undefined) return xen;
  throw new XspliceError(
    'EUSAGE',
    'missing --xen XEN-SYMS',
    'xen-syms is in the debug package of Xen, or in the build tree',
  );
}
