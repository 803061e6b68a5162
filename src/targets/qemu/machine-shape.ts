import type { XenArch } from '../../xen/index.ts';
import type { QemuOptions } from './options.ts';
import { PLATFORMS } from './platforms.ts';

/** What distinguishes one machine from another. Together with its boot files, this is the key of its snapshot. */
export interface MachineShape {
  readonly arch: XenArch;
  readonly cpu: string;
  readonly smp: number;
  readonly memory: number;
  readonly loglvl: string;
}

export const shapeOf = ({
  arch = 'x86_64',
  cpu = PLATFORMS[arch].cpu,
  smp = 1,
  memory = 512,
  loglvl = 'all',
}: QemuOptions): MachineShape => ({
  arch,
  cpu,
  smp,
  memory,
  loglvl,
});
