import { AGENT_FD, QMP_FD, SNAPSHOT_FD } from './machine.ts';
import type { MachineShape } from './machine-shape.ts';
import { MACHINE_FILES } from './platform.ts';
import { PLATFORMS } from './platforms.ts';

/** The ring must be large enough for everything printed between two reads. */
const CONSOLE_RING = 'conring_size=1M';

/** dom0's arguments: no randomness, no slow mitigations, and if dom0 dies, the machine stops. */
const DOM0 = 'console=hvc0 quiet mitigations=off nokaslr rodata=off panic=1';

/**
 * Returns QEMU's arguments for a machine with only a serial line on standard output. A snapshot restores only with the arguments
 * that it was made with.
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

/** Makes QEMU wait for a snapshot instead of booting. */
export const RESTORE_ARGUMENTS: readonly string[] = ['-incoming', `fd:${SNAPSHOT_FD}`];

/**
 * JSON arguments of `migrate` that write a snapshot into QEMU's folder. QEMU 7.2 cannot write to a file itself, and uses an
 * inherited descriptor only for reading.
 */
export const SAVE_ARGUMENTS = JSON.stringify({ uri: `exec:cat > ${MACHINE_FILES.snapshot}` });
