import { readFileSync } from 'node:fs';
import { gunzip } from '../../src/cli/gunzip.ts';
import { loadEmulator } from '../../src/emulator/index.ts';
import { openSimulation, type Simulation } from '../../src/run/index.ts';
import { xenFacts } from '../../src/synth/index.ts';
import { debianXen } from '../support/debian-xen.ts';

/** Runs code: libunicorn. */
export const openCpu = await loadEmulator();

const bytes = new Uint8Array(readFileSync(debianXen().xenSyms));

/** Debian's Xen, simulated; under another release's rules where one is given. */
export const simulation = (release?: string, debug = false): Simulation =>
  openSimulation(bytes, { cpu: 'qemu-max', gunzip, openCpu, debug, ...(release !== undefined && { release }) });

export const debian = simulation();
export const xen = xenFacts(debian.image, debian.release);
