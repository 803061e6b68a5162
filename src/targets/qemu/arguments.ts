import { AGENT_FD, QMP_FD, SNAPSHOT_FD } from './machine.ts';
import type { MachineShape } from './machine-shape.ts';
import { MACHINE_FILES } from './platform.ts';
import { PLATFORMS } from './platforms.ts';

/** The ring has to hold all that is printed between two looks at it. */
const CONSOLE_RING = 'conring_size=1M';

/** dom0: nothing random, no mitigations that cost time, and its end is the machine's. */
const DOM0 = 'console=hvc0 quiet mitigations=off nokaslr rodata=off panic=1';

/**
 * QEMU's arguments. The machine has a serial line on its standard output, and nothing else that it does not need. A
 * snapshot can be restored only with the arguments that it was made with.
 */
export function machineArguments({ arch, cpu, smp, memory, loglvl }: MachineShape): string[] {
  const { board, serialBus, loading, xenArguments } = PLATFORMS[arch];
  const xen = `${xenArguments(memory)} loglvl=${loglvl} guest_loglvl=${loglvl} ${CONSOLE_RING}`;
  return [
    ...['-accel', 'tcg', '-machine', board, '-cpu', cpu, '-smp', String(smp), '-m', String(memory)],
    ...['-no-user-config', '-nodefaults', '-no-reboot', '-display', 'none', '-serial', 'stdio'],
    ...['-chardev', `socket,id=qmp,fd=${QMP_FD}`, '-mon', 'chardev=qmp,mode=control'],
    ...['-chardev', `socket,id=agent,fd=${AGENT_FD}`],
    ...['-device', serialBus, '-device', 'virtserialport,chardev=agent'],
    ...loading(xen, DOM0),
  ];
}

/** What has QEMU wait for a snapshot instead of booting. */
export const RESTORE_ARGUMENTS: readonly string[] = ['-incoming', `fd:${SNAPSHOT_FD}`];

/**
 * What has a running QEMU write a snapshot into its folder: the arguments of `migrate`, as JSON. QEMU 7.2 writes to no
 * file by itself, and takes an inherited descriptor only where it reads.
 */
export const SAVE_ARGUMENTS = JSON.stringify({ uri: `exec:cat > ${MACHINE_FILES.snapshot}` });
