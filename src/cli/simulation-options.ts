import type { Command } from 'commander';
import { XspliceError } from '../base/index.ts';
import type { SimulationOptions } from '../run/index.ts';
import { cpuCount, cpuList, lateCpu, logLevel, timeout } from './values.ts';

/** Adds what says which hypervisor it is about. */
export const addHostOptions = (command: Command): Command =>
  addRulesOptions(
    command.option('--xen <xen-syms>', "the hypervisor's xen-syms, of exactly the build that is running"),
  );

/** Adds what is the same for all hypervisors that it is about. */
export const addRulesOptions = (command: Command): Command =>
  command
    .option('--release <release>', 'follow the rules of this release (default: what the image says)')
    .option('--cpu <preset>', 'the processor of the host');

/** Adds how the simulated host behaves while payloads go through their lives on it. */
export const addMachineOptions = (command: Command): Command =>
  command
    .option('--cpus <n>', 'CPUs that are online', cpuCount)
    .option('--late <cpu=ns>', 'this CPU comes to the rendezvous late; may be repeated', lateCpu)
    .option('--stuck <cpu>', 'this CPU never comes to the rendezvous; may be repeated', cpuList)
    .option('--loglvl <level>', "what the console shows, in Xen's own syntax (default: all)", logLevel)
    .option('--debug', 'as a debug build of Xen (default: what the image says)')
    .option('--no-debug', 'as a release build of Xen')
    .option('--timeout <ns>', "time for the CPUs to meet, 0 for Xen's default of 30 ms", timeout)
    .option('--nodeps', 'do not let Xen check the order of payloads (NODEPS)')
    .option('--replace', 'take the second payload and those after it with REPLACE');

/** Members that both lists of options leave in commander's result. */
export type SimulationFlags = { readonly xen?: string } & Omit<SimulationOptions, 'progress' | 'gunzip'>;

/** The simulation's options out of commander's. Throws an XspliceError (EUSAGE) where two of them disagree. */
export function simulationOptions(
  flags: Omit<SimulationFlags, 'xen'>,
  progress: (doing: string) => void,
): SimulationOptions {
  const { release, cpu, cpus, late, stuck, loglvl, debug, timeout: wait, nodeps, replace } = flags;
  if (cpus !== undefined) {
    for (const number of [...(stuck ?? []), ...Object.keys(late ?? {}).map(Number)]) {
      if (number >= cpus) {
        throw new XspliceError('EUSAGE', `there is no CPU ${number}: --cpus ${cpus} has CPU 0 to ${cpus - 1}`);
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

/** `--xen`, which the command cannot do without: its value, or its values. */
export function requireImage<T>({ xen }: { readonly xen?: T }): T {
  if (xen !== undefined) return xen;
  throw new XspliceError(
    'EUSAGE',
    'which hypervisor? --xen XEN-SYMS is missing',
    'xen-syms is in the debug package of Xen',
  );
}
