import { readFileSync } from 'node:fs';
import { gunzip } from '../../src/cli/gunzip.ts';
import { openSimulation, type Simulation, xenFacts } from '../../src/scenario/index.ts';
import { debianXen } from '../support/debian-xen.ts';

const bytes = new Uint8Array(readFileSync(debianXen().xenSyms));

/** Debian's Xen, simulated; under another release's rules where one is given. */
export const simulation = (release?: string, debug = false): Simulation =>
  openSimulation(bytes, { cpu: 'qemu-max', gunzip, debug, ...(release !== undefined && { release }) });

export const debian = simulation();
export const xen = xenFacts(debian.image, debian.release);
