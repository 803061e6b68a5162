import type { OpenCpu } from '../machine/index.ts';
import { ENGINES } from './engines.ts';
import { loadUnicorn } from './unicorn.ts';
import { UnicornCpu } from './unicorn-cpu.ts';

/**
 * Runs machine code: libunicorn as the `Cpu` port of `arch/`, on the memory of a simulated machine.
 *
 * Loads the library. Rejects with an XspliceError (ETOOL) that names the package to install if it cannot.
 */
export async function loadEmulator(): Promise<OpenCpu> {
  const unicorn = await loadUnicorn();
  return (request) => new UnicornCpu(unicorn, { ...request, kind: ENGINES[request.arch] });
}
