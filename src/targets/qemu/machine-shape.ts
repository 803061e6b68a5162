import type { XenArch } from '../../xen/index.ts';
import type { QemuOptions } from './options.ts';
import { PLATFORMS } from './platforms.ts';

/** What makes one machine differ from another: with the files it boots, the key of its snapshot. */
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
